package studio

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
	"github.com/atelier-bridge/atelier/core/relay"
)

// account finds a person's account at a provider, whichever of their ids it was linked under. An id that is somebody of
// their own again counts no more, even where the person's record has not been told yet.
func account(ctx context.Context, accounts core.Accounts, people core.People, p *core.Person, provider core.ProviderName) (*core.AccountRecord, error) {
	for _, id := range p.IDs() {
		if id != p.ID {
			if now, err := people.Person(ctx, id); err != nil {
				return nil, err
			} else if now.ID != p.ID {
				continue
			}
		}
		a, err := accounts.Account(ctx, id, provider)
		if core.ErrorCode(err) != core.CodeNotFound {
			return a, err
		}
	}
	return nil, core.Errorf(core.CodeNotFound, "You have no %s account linked.", provider.Title())
}

// entitled finds the person's own account for a request and returns the id under which it lies. There is no other way to
// a provider that bills: no account, no request.
func (s *Studio) entitled(ctx context.Context, c *call, provider core.Provider) (core.PersonID, error) {
	if _, ok := provider.(core.Keyed); !ok {
		return c.Person.ID, nil
	}
	name := provider.Name()
	link := func(label string) offer {
		return offer{{{Label: label, Style: core.StylePrimary, Action: core.Action{Verb: "account link", Arg: string(name)}}}}
	}
	a, err := account(ctx, s.Accounts, s.People, c.Person, name)
	switch {
	case core.ErrorCode(err) == core.CodeNotFound || err == nil && a.Sealed == nil:
		return "", core.Errorf(core.CodeInvalid, "You have no %s account linked, and nobody else's is ever used.", name.Title()).
			WithNext("Link your own with \"account link %s\", or choose another provider.", name).Because(link(c.T("Link %s", name.Title())))
	case err != nil:
		return "", err
	case a.Broken != "":
		return "", core.Errorf(core.CodeInvalid, "%s did not accept your key (…%s) the last time.", name.Title(), a.Last4).
			WithNext("Link a valid one.").Because(link(c.T("Link %s", name.Title())))
	}
	if t := provider.Terms(); c.Person.Terms[name] != t.Version {
		return "", core.Errorf(core.CodeInvalid, "%s's terms have changed since you accepted them.", name.Title()).
			WithNext("Read what matters of them and accept them; then ask again.").Because(link(c.T("Continue with %s", name.Title())))
	}
	return a.Person, nil
}

// accountList shows every provider: what is linked there and what it can do.
func (s *Studio) accountList(ctx context.Context, c *call) (core.Change, error) {
	card := core.Card{Title: c.T("Your accounts")}
	for _, p := range s.Providers {
		a, err := account(ctx, s.Accounts, s.People, c.Person, p.Name())
		if err != nil && core.ErrorCode(err) != core.CodeNotFound {
			return core.Change{}, err
		}
		card.Body = append(card.Body, core.Para(core.Bold(p.Name().Title()), core.Text(c.T(": %s", accountLine(c, p, a)))))
		if line := supportLine(c.Lang, p.Capabilities("")); line != "" {
			card.Body = append(card.Body, core.Para(core.Node{Kind: core.NodeItalic, Children: []core.Node{core.Text(line)}}))
		}
	}
	card.Footer = c.T("account link NAME, account unlink NAME, settings --provider NAME")
	return c.say(card)
}

func accountLine(c *call, p core.Provider, a *core.AccountRecord) string {
	if _, hand := p.(core.Handoff); hand {
		if a == nil {
			return c.T("by hand on your own account; Atelier prepares the prompt")
		}
		return c.T("by hand on your own account, plan %s (as you say)", a.Plan)
	}
	if _, keyed := p.(core.Keyed); !keyed {
		return c.T("needs no account")
	}
	if a == nil {
		return c.T("not linked")
	}
	parts := append([]string{c.T("linked, key ends in %s", a.Last4)}, facts(c.Lang, a.Facts)...)
	if a.Broken != "" {
		parts = append(parts, c.T("not accepted any more: link it again"))
	} else {
		parts = append(parts, c.T("checked %s", date(c.Lang, a.CheckedAt)))
	}
	return strings.Join(parts, ", ")
}

// supportLine groups a provider's operations by how it does them.
func supportLine(l core.Lang, caps core.ProviderCapabilities) string {
	by := map[core.Support][]string{}
	for _, op := range ops() {
		sup, ok := caps.Ops[op]
		if !ok {
			sup = core.SupportNone
		}
		by[sup] = append(by[sup], l.T("%s", word(op)))
	}
	var parts []string
	for _, x := range []struct {
		s    core.Support
		name core.Saying
	}{{core.SupportNative, core.Say("native")}, {core.SupportEmulated, core.Say("emulated")}, {core.SupportHandoff, core.Say("by hand")}, {core.SupportNone, core.Say("not here")}} {
		if len(by[x.s]) == len(ops()) {
			return l.T("All operations are %s.", x.name)
		}
		if len(by[x.s]) > 0 {
			parts = append(parts, l.T("%s: %s.", title(x.name.In(l)), strings.Join(by[x.s], ", ")))
		}
	}
	return strings.Join(parts, " ")
}

// ops lists the operations of the neutral model in help's order.
func ops() []core.Op {
	return []core.Op{core.OpGenerate, core.OpReroll, core.OpVary, core.OpUpscale, core.OpZoom, core.OpPan, core.OpEditRegion, core.OpEditWords, core.OpBlend, core.OpDescribe}
}

// linkFor is how long a page or a provider's own page may take.
const linkFor = 10 * time.Minute

// accountLink begins, or goes on with, linking a person's own account.
func (s *Studio) accountLink(ctx context.Context, c *call) (core.Change, error) {
	if err := typedKey(c); err != nil {
		return core.Change{}, err
	}
	p, err := s.provider(nil, c.inv.Arg("provider"))
	if err != nil {
		return core.Change{}, err
	}
	if h, ok := p.(core.Handoff); ok {
		return s.linkPlan(ctx, c, h)
	}
	keyed, ok := p.(core.Keyed)
	if !ok {
		return c.say(text(c.T("%s needs no account. Just use it.", p.Name().Title())))
	}
	terms := p.Terms()
	if c.Person.Terms[p.Name()] != terms.Version {
		if !c.inv.Confirm {
			return c.say(termsCard(c.Lang, p.Name(), terms))
		}
		if c.Person, err = s.People.UpdatePerson(ctx, c.Person.ID, func(x *core.Person) error {
			if x.Terms == nil {
				x.Terms = map[core.ProviderName]string{}
			}
			x.Terms[p.Name()] = terms.Version
			delete(x.TermsBy, p.Name()) // it is their own now
			return nil
		}); err != nil {
			return core.Change{}, err
		}
		switch a, err := account(ctx, s.Accounts, s.People, c.Person, p.Name()); {
		case err != nil && core.ErrorCode(err) != core.CodeNotFound:
			return core.Change{}, err
		case err == nil && a.Sealed != nil && a.Broken == "":
			return c.say(text(c.T("Accepted. Your %s account stays linked, its key ends in %s. Ask again for what you wanted; \"account link %s\" replaces the key.", p.Name().Title(), a.Last4, p.Name())))
		}
	}
	if c.inv.Arg("plan") != "" {
		return core.Change{}, core.Errorf(core.CodeInvalid, "Nothing but the provider's name belongs there.").WithNext("If it was a key, revoke it at %s now: a key is never typed into a chat. Then type only: account link %s", p.Name().Title(), p.Name())
	}
	if token := c.inv.Arg(core.SecretOption); token != "" {
		out := core.Outgoing{ID: core.MakeDeliveryID("", "", "link/"+string(c.In.ID)), Kind: core.OutLink, Room: c.In.Room, Thread: c.In.Thread, Reply: c.In.Reply, To: c.In.Actor.Identity,
			Link: &core.LinkRequest{Ticket: token, Person: c.Person.ID, Provider: p.Name(), Identity: c.In.Actor.Identity}, At: c.In.At}
		return core.Change{Out: []core.Outgoing{out}}, nil
	}
	return s.linkStep(ctx, c, keyed)
}

// typedKey warns whoever typed a key where only our own form takes one: before anything else is asked, because the key is to
// be revoked at once.
func typedKey(c *call) error {
	typed := c.inv.Arg(core.SecretOption) != "" && c.inv.Surface != core.SurfaceModal
	for _, name := range []string{"provider", "plan"} {
		typed = typed || strings.Contains(c.inv.Arg(name), core.MaskedCredential)
	}
	if !typed {
		return nil
	}
	err := core.Errorf(core.CodeInvalid, "A key is never typed into a chat; this one was not kept.")
	if name := core.ProviderName(strings.ToLower(c.inv.Arg("provider"))); name != "" && !strings.Contains(string(name), core.MaskedCredential) {
		return err.WithNext("If it was a real one, revoke it at %s now. Then type only: account link %s", name.Title(), name)
	}
	return err.WithNext("If it was a real one, revoke it now where you made it. Then type \"account link\" and the provider's name only.")
}

// termsCard says what a provider demands and asks to accept it.
func termsCard(l core.Lang, name core.ProviderName, t core.Terms) core.Card {
	card := core.Card{Title: l.T("Before you link %s", name.Title())}
	var rules []string
	for _, r := range t.Rules {
		rules = append(rules, l.T(r))
	}
	if t.MinimumAge > 0 {
		rules = append([]string{l.N(t.MinimumAge, "You must be at least %d year old.", "You must be at least %d years old.", t.MinimumAge)}, rules...)
	}
	card.Body = append(core.Plain(l.T("It is your own account: what you ask for runs on it and is billed to you, nobody else can use it, and you unlink it when you like.")), bullets(rules)...)
	accept := core.Button{Label: l.T("Accept and continue"), Style: core.StylePrimary, Action: core.Action{Verb: "account link", Arg: string(name) + "," + command.ConfirmArg}}
	card.Buttons = [][]core.Button{{accept}}
	if t.Source != "" {
		card.Buttons[0] = append(card.Buttons[0], core.Button{Label: l.T("Read the terms"), URL: t.Source})
	}
	card.Footer = l.T("Read on %s, version %s", written(l, t.Checked), t.Version)
	return card
}

// linkStep offers the way on which the credential comes: the provider's own page, a one-time page of ours, or where
// neither can be reached a form that says what it means.
func (s *Studio) linkStep(ctx context.Context, c *call, p core.Keyed) (core.Change, error) {
	name := p.Name()
	t := core.Ticket{Kind: core.TicketPage, Person: c.Person.ID, Name: c.name(), Identity: c.In.Actor.Identity, Provider: name, Expires: s.Clock.Now().Add(linkFor)}
	if s.PublicURL == "" {
		card := core.Card{Title: c.T("Link %s", name.Title()), Tone: core.ToneWarn,
			Body: core.Plain(c.T("This Atelier has no public address, so the key is entered in a form of %s: %s sees what you type there. Use a key that you can limit and revoke.", c.In.Actor.Identity.Platform().Title(), c.In.Actor.Identity.Platform().Title()))}
		card.Buttons = keyForm(c.Lang, name)
		return c.say(card)
	}
	auth, ok := p.(core.Authorizer)
	if !ok {
		token, err := s.Tickets.Issue(ctx, t, false)
		if err != nil {
			return core.Change{}, err
		}
		return c.say(linkCard(c.Lang, name, c.T("Enter your key on this page. It works once, for ten minutes, for you only; do not pass it on."), s.PublicURL+"/account/"+token))
	}
	verifier := rand.Text() + rand.Text()
	data, err := json.Marshal(verifier)
	if err != nil {
		return core.Change{}, core.Wrap(core.CodeInternal, err)
	}
	t.Kind, t.Data = core.TicketOAuth, data
	token, err := s.Tickets.Issue(ctx, t, false)
	if err != nil {
		return core.Change{}, err
	}
	sum := sha256.Sum256([]byte(verifier))
	to := auth.Authorize(s.PublicURL+"/oauth/"+url.PathEscape(string(name))+"/"+token, base64.RawURLEncoding.EncodeToString(sum[:]))
	return c.say(linkCard(c.Lang, name, c.T("Allow it on %s's own page, for your own account there. The link works once, for ten minutes, for you only; do not pass it on.", name.Title()), to))
}

// keyForm opens the form in which a key is entered where there is no page.
func keyForm(l core.Lang, name core.ProviderName) [][]core.Button {
	return [][]core.Button{{{Label: l.T("Link: enter the key"), Style: core.StylePrimary, Action: core.Action{Verb: "account link", Arg: string(name), Modal: true}}}}
}

func linkCard(l core.Lang, name core.ProviderName, what, to string) core.Card {
	label := l.T("Link %s", name.Title())
	return core.Card{Title: label, Private: true, Body: core.Plain(what), Buttons: [][]core.Button{{{Label: label, URL: to}}}}
}

// linkPlan notes which plan a person has at a provider that is run by hand. There is nothing else to note: no password
// and no token is ever taken.
func (s *Studio) linkPlan(ctx context.Context, c *call, h core.Handoff) (core.Change, error) {
	name, plan := h.Name(), strings.ToLower(c.inv.Arg("plan"))
	var names []string
	for _, p := range h.Plans() {
		names = append(names, p.Name)
	}
	if plan == "" {
		card := termsCard(c.Lang, name, h.Terms())
		card.Body = append(core.Plain(c.T("%s is run by you, by hand, on your own account: Atelier prepares the prompt, and no password or token of it is ever stored. Which plan do you have?", name.Title())), card.Body[1:]...)
		card.Buttons[0] = card.Buttons[0][1:]
		var row []core.Button
		for _, n := range names {
			row = append(row, core.Button{Label: c.T("Link %s", title(n)), Action: core.Action{Verb: "account link", Arg: string(name) + "," + n}})
		}
		card.Buttons = append([][]core.Button{row}, card.Buttons...)
		return c.say(card)
	}
	if !slices.Contains(names, plan) {
		return core.Change{}, core.Errorf(core.CodeInvalid, "%s has no plan %q.", name.Title(), clip(plan, 20)).WithNext("There are: %s.", strings.Join(names, ", "))
	}
	a, err := account(ctx, s.Accounts, s.People, c.Person, name)
	if core.ErrorCode(err) == core.CodeNotFound {
		a, err = &core.AccountRecord{Person: c.Person.ID, Provider: name, LinkedAt: s.Clock.Now().UTC()}, nil
	}
	if err != nil {
		return core.Change{}, err
	}
	a.Plan, a.CheckedAt = plan, s.Clock.Now().UTC()
	if err := s.Accounts.PutAccount(ctx, a); err != nil {
		return core.Change{}, err
	}
	return c.say(text(c.T("Noted: %s, plan %s. Use \"imagine … --provider %s\": you get the exact prompt, run it by hand and bring the picture back. \"usage\" estimates what is left of the plan.", name.Title(), plan, name)))
}

// accountUnlink deletes an account with its sealed key.
func (s *Studio) accountUnlink(ctx context.Context, c *call) (core.Change, error) {
	p, err := s.provider(nil, c.inv.Arg("provider"))
	if err != nil {
		return core.Change{}, err
	}
	a, err := account(ctx, s.Accounts, s.People, c.Person, p.Name())
	if err != nil {
		return core.Change{}, err
	}
	if err := s.Accounts.DropAccount(ctx, a.Person, a.Provider); err != nil {
		return core.Change{}, err
	}
	if a.Sealed == nil {
		return c.say(text(c.T("%s is forgotten.", p.Name().Title())))
	}
	return c.say(text(c.T("Your %s account is unlinked and its key (…%s) is deleted here. What waits for it will not run. Revoke the key at %s as well if you do not use it elsewhere.", p.Name().Title(), a.Last4, p.Name().Title())))
}

// Linked tells a person what came of linking.
func (s *Studio) Linked(_ context.Context, sc relay.Scope) (core.Change, error) {
	in := sc.In
	ev := in.Account
	card := core.Card{Tone: core.ToneWarn, Body: core.Plain(ev.Fail)}
	if s.PublicURL == "" {
		card.Buttons = keyForm(sc.Lang, ev.Provider)
	}
	if ev.Fail == "" {
		parts := append([]string{sc.Lang.T("Your %s account is linked; its key ends in %s", ev.Provider.Title(), ev.Last4)}, facts(sc.Lang, ev.Facts)...)
		card = core.Card{Tone: core.ToneGood, Body: core.Plain(strings.Join(parts, ", ") + "."), Footer: sc.Lang.T("Use it: imagine … --provider %[1]s, or settings --provider %[1]s", ev.Provider)}
	}
	card.Private, card.Verb = true, "account list"
	return core.Change{Out: []core.Outgoing{s.privately(in, card, "linked/"+string(in.ID))}}, nil
}

// privately answers the live interaction of an inbound, or else writes a direct message.
func (s *Studio) privately(in core.Inbound, card core.Card, what string) core.Outgoing {
	if in.Reply.Kind != core.ReplyNone {
		return core.Outgoing{ID: core.MakeDeliveryID("", in.Room, what), Kind: core.OutAnswer, Room: in.Room, Thread: in.Thread, Card: &card, Reply: in.Reply, To: in.Actor.Identity, At: in.At}
	}
	return core.Outgoing{ID: core.MakeDeliveryID("", "", what), Kind: core.OutDirect, To: in.Actor.Identity, Card: &card, At: in.At}
}
