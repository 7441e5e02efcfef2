package demo

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPageWeek plays the week and looks at what people see of it, in both apps and in both languages: cards, threads, the
// comparison and the App Home.
func TestPageWeek(t *testing.T) {
	b, w := openWorld(t, Options{Addr: "127.0.0.1:0"})
	var told strings.Builder
	if err := w.PlayWeek(t.Context(), &told); err != nil {
		t.Fatalf("%v\n%s", err, told.String())
	}
	b.do(chromedp.EmulateViewport(1440, 1500))
	b.do(chromedp.Navigate(w.URL()))
	b.see(`document.body.classList.contains('ready')`)
	b.shows(slackSaid, "ACME-1 · Poster for the spring fair")
	b.shows(discSaid, "ACME-1 · Poster for the spring fair")
	b.shot("week-rooms")

	for _, pane := range []string{"slack", "discord"} {
		eval[chromedp.Void](b, fmt.Sprintf(`[...document.querySelectorAll('#pane-%s .channel .message')].filter((n) => n.textContent.includes('ACME-1 · Poster')).pop().querySelector('.summary').click()`, pane))
	}
	b.shows(slackThread, "the client agrees")
	b.shot("week-threads")
	b.inspect("week, 1440")

	eval[chromedp.Void](b, `(`+find(slackThread, "this stall is too empty")+`).scrollIntoView({block: 'center'})`)
	b.shot("week-notes")

	b.click("#pane-slack .side button", "atelier")
	b.shows("#pane-slack .home", "Hello Ada")
	b.shot("week-home")
	b.click("#pane-discord .personas label", "Cleo")
	b.shows(discSaid, "Bonjour Cleo")
	b.shot("week-french")
	b.settled()
}
