package demo

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	slackBox    = "#pane-slack .channel textarea"
	slackReply  = "#pane-slack .thread textarea"
	discReply   = "#pane-discord .thread textarea"
	discBox     = "#pane-discord .channel textarea"
	slackSaid   = "#pane-slack .channel .message"
	slackThread = "#pane-slack .thread .message"
	discSaid    = "#pane-discord .channel .message"
	discThread  = "#pane-discord .thread .message"
)

// TestPageMission is what somebody does who opens the demo for the first time.
func TestPageMission(t *testing.T) {
	b := openPage(t)
	b.shot("empty")
	b.inspect("empty, 1440")

	b.write(slackBox, "/imagine a lighthouse in the fog")
	for _, pane := range []string{"slack", "discord"} {
		b.shows("#pane-"+pane+" .channel .message", "a lighthouse in the fog")
		b.see(fmt.Sprintf(`[...document.querySelectorAll('#pane-%s .channel .picture img')].some((i) => i.complete && i.naturalWidth > 600)`, pane))
		b.see(fmt.Sprintf(`!document.querySelector('#pane-%s .thread').hidden`, pane))
	}
	b.inspect("grid, 1440")

	b.write(discReply, "The light on v1.2 is lovely, the sea could be calmer")
	b.shows(slackThread, "sea could be calmer")
	b.see(`(` + find(slackThread, "sea could be calmer") + `).querySelector('.by b').textContent === 'Ben'`)
	b.write(slackReply, "Agreed. *Softer fog* for the next one :sparkles:")
	b.shows(discThread, "Softer fog")

	b.write(discReply, "@Ada v1.2 for the poster? The beam reads well from afar")
	b.shows(slackThread, "reads well from afar")
	b.menu(slackThread, "reads well from afar", "Add reaction")
	b.click(".popover .emojis button", "heart")
	b.shows("#pane-discord .thread .reaction", "heart")
	b.portrait()

	b.click("#pane-slack .personas label", "Cleo")
	b.see(`document.querySelector('#pane-slack .personas label:has(:checked)').textContent.includes('Cleo')`)
	b.click("#pane-slack .channel .b-button", "V2")
	b.shows(slackSaid, "v2")
	b.see(`[...document.querySelectorAll('#pane-slack .channel .b-button')].some((n) => n.dataset.focus.includes(':approve:') && n.dataset.focus.includes(':v2:'))`)
	b.click("#pane-slack .channel .b-button", "Approve")
	b.shows("#pane-discord .message", "pproved")
	b.shows("#pane-slack .message", "pproved")
	b.see(`document.querySelectorAll('.picture img').length > 1 && [...document.querySelectorAll('.picture img')].every((i) => i.complete)`)
	b.shot("approved")

	b.talk()
	b.forms()
	b.discordCommand()
	b.inspect("afterwards, 1440")
	b.settled()
	b.shot("desktop")

	b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch))
	b.see(`innerWidth === 390 && document.querySelector('#tabs').checkVisibility()`)
	b.shot("phone-thread")
	b.inspect("thread, 390")
	b.settled()
	eval[chromedp.Void](b, `document.querySelectorAll('.thread .tool.narrow').forEach((n) => n.checkVisibility() && n.click())`)
	b.see(`[...document.querySelectorAll('#pane-slack .channel .tools')].every((n) => getComputedStyle(n).opacity === '1')`)
	b.shot("phone-slack")
	b.inspect("Slack, 390")
	b.settled()
	b.click("#tabs .tab", "Discord")
	b.see(`document.querySelector('#pane-discord').checkVisibility() && !document.querySelector('#pane-slack').checkVisibility()`)
	eval[chromedp.Void](b, `document.querySelectorAll('.thread .tool.narrow').forEach((n) => n.checkVisibility() && n.click())`)
	b.shot("phone-discord")
	b.inspect("Discord, 390")
	b.settled()
}

// talk edits, deletes, reacts and uploads, and looks at the other side each time.
func (b *tab) talk() {
	b.Helper()
	b.write(discReply, "Our horizon is tilted")
	b.shows(slackThread, "Our horizon")
	b.menu(discThread, "Our horizon", "Edit message")
	b.see(`document.activeElement.matches('.editor textarea')`)
	eval[chromedp.Void](b, `document.activeElement.select()`)
	b.do(chromedp.KeyEvent("The horizon is level now"), chromedp.KeyEvent(kb.Enter))
	b.shows(discThread, "(edited)")
	b.shows(slackThread, "The horizon is level now")

	b.menu(discThread, "The horizon is level", "Add reaction")
	b.click(".popover .emojis button", "tada")
	b.shows("#pane-slack .thread .reaction", "tada")

	b.write(discReply, "Never mind this one")
	b.shows(slackThread, "Never mind this one")
	b.menu(discThread, "Never mind this one", "Delete message")
	b.click("#pane-discord .sheet .go", "Delete")
	b.gone(slackThread, "Never mind this one")
	b.gone(discThread, "Never mind this one")

	path := swatch(b.T)
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#pane-slack .thread input[type=file]"), []string{path}))
	b.shows("#pane-slack .thread .chip", "swatch.png")
	b.write(slackReply, "These blues")
	b.see(`[...document.querySelectorAll('#pane-discord .thread .files img')].some((i) => i.complete && i.naturalWidth > 0)`)

	b.write(slackReply, "/imagine nothing")
	b.shows("#pane-slack .thread .note", "not supported in threads")
	b.empty(slackReply)

	// What is half typed survives whatever happens meanwhile.
	b.focus(slackReply)
	b.do(chromedp.KeyEvent("half a sen"))
	b.write(discBox, "Lunch anybody?")
	b.shows(discSaid, "Lunch anybody?")
	b.see(`document.querySelector('` + slackReply + `').value === 'half a sen'`)
	b.empty(slackReply)
}

// portrait is the picture of the demo for its readers: the grid beside its thread on both sides.
func (b *tab) portrait() {
	b.Helper()
	eval[chromedp.Void](b, `document.activeElement.blur(); document.querySelectorAll('.thread .feed').forEach((f) => { f.scrollTop = f.scrollHeight; });
		document.querySelectorAll('.channel .feed').forEach((f) => { f.scrollTop += f.querySelector('.message .picture').closest('.message').getBoundingClientRect().top - f.getBoundingClientRect().top - 4; })`)
	b.do(chromedp.MouseEvent(chromedp.MouseMoved, 2, 2))
	b.see(`[...document.querySelectorAll('.picture img')].every((i) => i.complete)`)
	b.shot("demo")
}

// forms requests changes through the form of either platform.
func (b *tab) forms() {
	b.Helper()
	b.click("#pane-slack .channel .b-button", "Request changes")
	b.see(`document.activeElement.matches('#pane-slack .sheet textarea')`)
	b.inspect("Slack form")
	b.shot("form-slack")
	b.do(chromedp.KeyEvent("Warmer lamp, please"))
	b.click("#pane-slack .sheet .go", "Send")
	b.gone("#pane-slack .sheet", "")
	b.shows("#pane-discord .message", "Warmer lamp, please")

	b.click("#pane-discord .channel .c-button", "Request changes")
	b.see(`document.activeElement.matches('#pane-discord .sheet textarea')`)
	b.inspect("Discord form")
	b.shot("form-discord")
	b.do(chromedp.KeyEvent("And a smaller boat"))
	b.click("#pane-discord .sheet .go", "Submit")
	b.gone("#pane-discord .sheet", "")
	b.shows("#pane-slack .message", "And a smaller boat")
}

// discordCommand fills a slash command in as Discord offers it.
func (b *tab) discordCommand() {
	b.Helper()
	b.focus(discBox)
	b.do(chromedp.KeyEvent("/imag"))
	b.shows("#pane-discord .suggestions [role=option]", "/atelier imagine")
	b.shot("discord-command")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.see(`document.activeElement.dataset.option === 'prompt'`)
	b.inspect("Discord command")
	b.do(chromedp.KeyEvent("a red fox asleep in the snow"), chromedp.KeyEvent(kb.Enter))
	b.shows(discSaid, "ACME-2")
	b.shows(slackSaid, "a red fox asleep in the snow")
	b.see(`[...document.querySelectorAll('#pane-slack .channel .picture img')].filter((i) => i.complete && i.naturalWidth > 600).length > 1`)
}

// TestPageCorners goes where the mission does not: completion, dialogs, the keyboard, a hand-off.
func TestPageCorners(t *testing.T) {
	b := openPage(t)
	b.click("#more", "")
	b.shows("#ideas h2", "Things to try")
	b.inspect("ideas")
	b.shot("ideas")
	b.click("#ideas .idea", "/imagine a paper crane")
	b.see(`document.querySelector('` + slackBox + `').value.startsWith('/imagine a paper crane') && !document.querySelector('#ideas').open`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.see(`[...document.querySelectorAll('#pane-slack .channel .picture img')].some((i) => i.complete && i.naturalWidth > 600)`)

	b.click("#pane-slack .channel .picture", "")
	b.see(`document.querySelector('#large').open && document.querySelector('#large img').naturalWidth > 600`)
	b.inspect("large picture")
	b.shot("large")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.see(`!document.querySelector('#large').open`)

	b.focus(slackBox)
	b.do(chromedp.KeyEvent("/atelier appr"))
	b.shows("#pane-slack .suggestions [role=option]", "approve")
	b.inspect("completion")
	b.shot("completion")
	b.empty(slackBox)
	b.write(slackBox, "/imagine a red kite --provider midjourney")
	b.shows("#pane-slack .message.private", "a red kite")
	b.shot("handoff")

	b.focus(discBox)
	b.do(chromedp.KeyEvent("@cl"))
	b.shows("#pane-discord .suggestions [role=option]", "Cleo")
	b.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("have a **look**"), chromedp.KeyEvent(kb.Enter))
	b.shows("#pane-discord .channel .mention", "@Cleo")
	b.shows(discSaid, "have a look")
	b.do(chromedp.KeyEvent(kb.ArrowUp))
	b.see(`document.activeElement.matches('.editor textarea') && document.activeElement.value === '@Cleo have a **look**'`)
	b.shot("editing")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.menu(discSaid, "have a look", "Attach to task")
	b.see(`document.querySelector('#pane-discord .sheet') || ` + find("#pane-discord .message.private", ""))
	b.shot("attach")
	b.inspect("corners")
	b.settled()
	for _, width := range []int64{1024, 1920} {
		b.do(chromedp.EmulateViewport(width, 1000))
		b.see(fmt.Sprintf("innerWidth === %d", width))
		b.shot(fmt.Sprintf("wide-%d", width))
		b.settled()
	}
}

// TestPageText checks what the platforms' texts and contents become; none of it may turn into markup of its own.
func TestPageText(t *testing.T) {
	b := openPage(t)
	const modules = `const ctx = {me: '1', userName: (id) => ({U1: 'Ada', 1: 'Ada', 2: 'Ben'})[id], roleName: () => 'Editors', channelName: () => 'acme', channelLink: () => '#acme', emojiURL: (id) => '/e/' + id, handle: () => 'ada',
			people: () => [], roles: () => [], rooms: () => [], file: (f) => '/sim/' + f.id, act() {}, press() {}, choose() {}};
		const [slack, discord, blocks, message] = await Promise.all(['mrkdwn', 'markdown', 'slack-blocks', 'discord-message'].map((m) => import('/' + m + '.js')));
		const html = (...nodes) => { const d = document.createElement('div'); d.append(...nodes.flat(9).filter(Boolean)); return d.innerHTML; }`
	for _, c := range []struct{ name, expr, want string }{
		{"mrkdwn marks", `html(slack.mrkdwn('*a* _b_ ~c~ snake_case_word 2*3*4', ctx))`, `<strong>a</strong> <em>b</em> <s>c</s> snake_case_word 2*3*4`},
		{"mrkdwn nests", `html(slack.mrkdwn('*bold _both_ <@U1>*', ctx))`, `<strong>bold <em>both</em> <span class="mention">@Ada</span></strong>`},
		{"mrkdwn code is left alone", "html(slack.mrkdwn('`*a* <@U1>`', ctx))", `<code>*a* &lt;@U1&gt;</code>`},
		{"mrkdwn links", `html(slack.mrkdwn('<https://a.example/?q=1&amp;r=2|here>', ctx))`, `<a href="https://a.example/?q=1&amp;r=2" target="_blank" rel="noopener noreferrer">here</a>`},
		{"mrkdwn script link", `html(slack.mrkdwn('<javascript:alert(1)|here>', ctx))`, `<span>here</span>`},
		{"mrkdwn entities", `html(slack.mrkdwn('&lt;img src=x onerror=alert(1)&gt;', ctx))`, `&lt;img src=x onerror=alert(1)&gt;`},
		{"mrkdwn quote and emoji", `html(slack.mrkdwn('&gt; hm\nso :tada:', ctx))`, `<blockquote>hm</blockquote>so <span class="emoji" title=":tada:">🎉</span>`},
		{"mrkdwn edited again", `slack.editable('hi <@U1> &amp; <https://a.example|b>', ctx)`, `hi @ada & https://a.example`},
		{"markdown marks", `html(discord.markdown('**a** *b* __c__ ~~d~~ ***e*** snake_case_word', ctx))`, `<div class="line"><strong>a</strong> <em>b</em> <u>c</u> <s>d</s> <strong><em>e</em></strong> snake_case_word</div>`},
		{"markdown escapes", `html(discord.markdown('\\*a\\* <b>', ctx))`, `<div class="line">*a* &lt;b&gt;</div>`},
		{"markdown mention of me", `html(discord.markdown('<@1> <@&7>', ctx))`, `<div class="line"><span class="mention me">@Ada</span> <span class="mention">@Editors</span></div>`},
		{"markdown lists", `html(discord.markdown('- a\n  - b\n- c', ctx))`, `<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>`},
		{"markdown heading and quote", `html(discord.markdown('# Big\n> said', ctx))`, `<div class="md-h md-h1">Big</div><blockquote><div class="line">said</div></blockquote>`},
		{"markdown block", "html(discord.markdown('```go\\nx := 1\\n```', ctx))", `<pre data-language="go"><code>x := 1</code></pre>`},
		{"markdown masked link", `html(discord.markdown('[x](https://a.example) [y](javascript:1)', ctx))`, `<div class="line"><a href="https://a.example/" target="_blank" rel="noopener noreferrer">x</a> [y](javascript:1)</div>`},
		{"markdown spoiler", `html(discord.markdown('||s||', ctx))`, `<div class="line"><span class="spoiler" role="button" tabindex="0" aria-label="Spoiler, press to show"><span>s</span></span></div>`},
		{"unknown block", `html(blocks.blocks([{type: 'hologram'}], ctx))`, `<div class="unknown">This content (hologram) cannot be shown here.</div>`},
		{"rich text", `html(blocks.blocks([{type: 'rich_text', elements: [{type: 'rich_text_list', style: 'ordered', elements: [{type: 'rich_text_section', elements: [{type: 'text', text: 'a', style: {bold: true}}]}]}]}], ctx))`,
			`<div class="b-rich"><ol class="indent-0"><li><strong>a</strong></li></ol></div>`},
		{"unknown component", `html(message.components([{type: 99}], ctx))`, `<div class="unknown">This component (type 99) cannot be shown here.</div>`},
		{"container", `html(message.components([{type: 17, accent_color: 255, components: [{type: 10, content: '**hi**'}, {type: 14}]}], ctx))`,
			`<div class="embed c-container" style="border-inline-start-color: rgb(0, 0, 255);"><div class="c-text"><div class="line"><strong>hi</strong></div></div><hr></div>`},
	} {
		if got := imported(b, modules, c.expr); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	b.settled()
}

// swatch draws a small picture to upload.
func swatch(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 240, 120))
	for x := range 240 {
		for y := range 120 {
			img.Set(x, y, color.RGBA{R: uint8(30 + x/4), G: uint8(90 + y/2), B: uint8(150 + x/3), A: 255})
		}
	}
	path := filepath.Join(t.TempDir(), "swatch.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	return path
}
