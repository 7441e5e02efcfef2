package demo

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/atelier-bridge/atelier/adapters/provider/providersim"
)

const slackButton = "#pane-slack .channel .b-button"

// TestPageAccounts is what two people do who link their own accounts, one with a key and one on the provider's page.
func TestPageAccounts(t *testing.T) {
	b, w := openWorld(t, Options{Addr: "127.0.0.1:0", Standins: []string{providersim.OpenAI, providersim.OpenRouter}})
	b.write(slackBox, "/imagine a lighthouse in the fog --provider openai")
	b.shows(slackSaid, "You have no OpenAI account linked")
	b.click(slackButton, "Link OpenAI")
	b.shows(slackSaid, "Before you link OpenAI")
	b.shot("account-terms")
	b.inspect("terms, 1440")
	b.click(slackButton, "Accept and continue")
	b.shows(slackSaid, "Enter your key on this page")

	b.follow(slackButton, "Link OpenAI")
	b.see(`document.querySelector('#key')`)
	b.shot("account-page")
	b.inspect("account page")
	b.write("#key", "sk-wrong-0000000000000000000000")
	b.arrives(`document.querySelector('.error')?.textContent.includes('did not accept')`)
	b.write("#key", KeyOf(providersim.OpenAI, "ada"))
	b.arrives(`document.querySelector('.done')?.textContent.includes('its key ends in')`)
	b.shot("account-linked")
	b.inspect("account page, done")

	b.back(w)
	b.write(slackBox, "/imagine a lighthouse in the fog --provider openai")
	b.pictures("a lighthouse in the fog")

	b.be("Ben")
	b.write(slackBox, "/atelier account link openrouter")
	b.click(slackButton, "Accept and continue")
	b.shows(slackSaid, "own page")
	b.follow(slackButton, "Link OpenRouter")
	eval[chromedp.Void](b, `document.querySelector('input[name=owner]').value = 'ben'; document.querySelector('form').submit()`)
	b.arrives(`document.body.textContent.includes('This links an account at OpenRouter to')`)
	b.shot("account-returned")
	b.inspect("return from the provider")
	b.do(chromedp.KeyEvent("\t"), chromedp.KeyEvent("\r"))
	b.arrives(`document.querySelector('.done')`)
	b.back(w)
	b.pictures("a lighthouse in the fog")
	b.be("Ben")
	b.write(slackBox, "/imagine a paper crane --provider openrouter")
	b.pictures("a paper crane")
	b.write(slackBox, "/atelier usage")
	b.shows(slackSaid, "OpenRouter: 4 pictures")
	b.see(`[...document.querySelectorAll('#pane-slack .picture img')].some((i) => i.complete && i.naturalWidth === 960)`)
	b.settled()
	b.shot("accounts")

	owners := map[string]map[string]bool{}
	for _, c := range w.Providers.Calls() {
		if c.Step == providersim.StepMake {
			if owners[c.Provider] == nil {
				owners[c.Provider] = map[string]bool{}
			}
			owners[c.Provider][c.Owner] = true
		}
	}
	if len(owners) != 2 || len(owners[providersim.OpenAI]) != 1 || !owners[providersim.OpenAI]["ada"] || len(owners[providersim.OpenRouter]) != 1 || !owners[providersim.OpenRouter]["ben"] {
		t.Errorf("whose keys paid: %v", owners)
	}
}

// be chooses who writes in the Slack pane.
func (b *tab) be(name string) {
	b.Helper()
	b.click("#pane-slack .personas label", name)
	b.see(`document.querySelector('#pane-slack .personas label:has(:checked)').textContent.includes('` + name + `')`)
}

// follow goes where a link button leads, in the same tab.
func (b *tab) follow(selector, text string) {
	b.Helper()
	b.see(find(selector+"[href]", text))
	b.do(chromedp.Navigate(eval[string](b, `(`+find(selector+"[href]", text)+`).href`)))
}

// arrives waits until a page that is being loaded shows something; the page before it goes away meanwhile.
func (b *tab) arrives(expr string) {
	b.Helper()
	deadline, tick := time.After(patience), time.NewTicker(40*time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`Boolean(`+expr+`)`)); err == nil && ok {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			b.shot("failed")
			b.Fatalf("never arrived: %s", expr)
		}
	}
}

// back returns to the demo.
func (b *tab) back(w *World) {
	b.Helper()
	b.do(chromedp.Navigate(w.URL()))
	b.see(`document.body.classList.contains('ready')`)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = nil // the console complains of a refused key, and of pages without an icon
}

// pictures waits until both panes show the pictures of a prompt.
func (b *tab) pictures(text string) {
	b.Helper()
	for _, pane := range []string{"slack", "discord"} {
		b.shows("#pane-"+pane+" .channel .message", text)
		b.see(`[...document.querySelectorAll('#pane-` + pane + ` .channel .message')].some((m) => m.textContent.includes('` + text + `') && [...m.querySelectorAll('.picture img')].some((i) => i.complete && i.naturalWidth > 400))`)
	}
}
