package studio

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// Linker tests credentials and links them; it is the only place where one is sealed for keeping. It implements
// core.Linking for pages, and serves deliveries and modals.
type Linker struct {
	Providers []core.Provider
	People    core.People
	Accounts  core.Accounts
	Tickets   core.Tickets
	Vault     core.Vault
	Receiver  core.Receiver
	// Translator tells people in their language; nil speaks English.
	Translator core.Translator
	Clock      core.Clock
	Log        *slog.Logger
}

var _ core.Linking = (*Linker)(nil)

func (l *Linker) keyed(name core.ProviderName) (core.Keyed, error) {
	if k, ok := named(l.Providers, name).(core.Keyed); ok {
		return k, nil
	}
	return nil, core.Errorf(core.CodeInvalid, "No key can be given to %s here.", name.Title())
}

func (l *Linker) page(ctx context.Context, kind core.TicketKind, token string) (core.LinkPage, error) {
	t, err := l.Tickets.Look(ctx, kind, token)
	if err != nil {
		return core.LinkPage{}, err
	}
	p, err := l.keyed(t.Provider)
	if err != nil {
		return core.LinkPage{}, err
	}
	return core.LinkPage{Provider: t.Provider, Person: t.Name, Identity: t.Identity, Terms: p.Terms()}, nil
}

// Page returns what a token's page shows.
func (l *Linker) Page(ctx context.Context, token string) (core.LinkPage, error) {
	return l.page(ctx, core.TicketPage, token)
}

// Returned is Page for somebody whom a provider sent back.
func (l *Linker) Returned(ctx context.Context, token string) (core.LinkPage, error) {
	return l.page(ctx, core.TicketOAuth, token)
}

const (
	// keyTries bounds how many keys one page tests: it is no place to try out other people's.
	keyTries = 5
	maxKey   = 512
)

// Enter tests a key that was entered on the page and links it.
func (l *Linker) Enter(ctx context.Context, token string, key core.Secret) (*core.AccountRecord, error) {
	t, err := l.Tickets.Look(ctx, core.TicketPage, token)
	if err != nil {
		return nil, err
	}
	if n, err := l.Tickets.Attempt(ctx, "page/"+core.Digest(24, token), linkFor); err != nil {
		return nil, err
	} else if n > keyTries {
		_, _ = l.Tickets.Redeem(ctx, core.TicketPage, token) // it is used up; nobody waits for the answer
		return nil, core.Errorf(core.CodeNotFound, "Too many keys were tried on this page.").WithNext("Ask for another link in the chat.")
	}
	clean, err := cleanKey(key)
	if err != nil {
		return nil, err
	}
	owner, err := l.owner(ctx, t.Identity, t.Person)
	if err != nil {
		return nil, err
	}
	a, err := l.link(ctx, owner, t.Provider, clean)
	if err != nil {
		return nil, err
	}
	if _, err := l.Tickets.Redeem(ctx, core.TicketPage, token); err != nil && core.ErrorCode(err) != core.CodeNotFound {
		l.Log.WarnContext(ctx, "page not used up", "provider", t.Provider, "error", err)
	}
	l.tell(ctx, t.Identity, t.Person, core.ReplyHandle{}, a, t.Provider, nil, token)
	return a, nil
}

// Exchange trades the code of a provider's page for a credential and links it.
func (l *Linker) Exchange(ctx context.Context, token, code string) (*core.AccountRecord, error) {
	t, err := l.Tickets.Redeem(ctx, core.TicketOAuth, token)
	if err != nil {
		return nil, err
	}
	p, err := l.keyed(t.Provider)
	if err != nil {
		return nil, err
	}
	auth, ok := p.(core.Authorizer)
	var verifier string
	if err := json.Unmarshal(t.Data, &verifier); err != nil || !ok || code == "" || len(code) > maxKey {
		return nil, core.Errorf(core.CodeInvalid, "%s did not send a code.", t.Provider.Title()).WithNext("Ask for another link in the chat.")
	}
	owner, err := l.owner(ctx, t.Identity, t.Person)
	if err != nil {
		return nil, err
	}
	key, err := auth.Exchange(ctx, code, verifier)
	if err != nil {
		return nil, err
	}
	a, err := l.link(ctx, owner, t.Provider, key)
	if err != nil {
		return nil, err
	}
	l.tell(ctx, t.Identity, t.Person, core.ReplyHandle{}, a, t.Provider, nil, token)
	return a, nil
}

// owner returns who an identity is now, if that is who the step was made for: two people who were one may be two again.
func (l *Linker) owner(ctx context.Context, id core.IdentityID, person core.PersonID) (core.PersonID, error) {
	p, err := l.People.ByIdentity(ctx, id)
	if err != nil {
		return "", err
	}
	then, err := l.People.Person(ctx, person)
	if err != nil {
		return "", err
	}
	if p.ID != then.ID {
		return "", core.Errorf(core.CodeNotFound, "This step was made for somebody else than you are now.").WithNext("Please begin again in the chat.")
	}
	return p.ID, nil
}

func cleanKey(key core.Secret) (core.Secret, error) {
	k := strings.TrimSpace(key.Reveal())
	if k == "" || len(k) > maxKey || strings.ContainsFunc(k, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return core.Secret{}, core.Errorf(core.CodeInvalid, "That is no key.").WithNext("Copy the whole key from the provider's page, without spaces.")
	}
	return core.NewSecret(k), nil
}

// link tests a credential with a call that costs nothing, seals it and stores it as the person's account.
func (l *Linker) link(ctx context.Context, person core.PersonID, name core.ProviderName, key core.Secret) (*core.AccountRecord, error) {
	p, err := l.keyed(name)
	if err != nil {
		return nil, err
	}
	who, err := l.People.Person(ctx, person)
	if err != nil {
		return nil, err
	}
	facts, err := p.Verify(ctx, core.Account{Person: person, Provider: name, Key: key})
	if err != nil {
		return nil, err
	}
	fp, err := l.Vault.Fingerprint(ctx, key)
	if err != nil {
		return nil, err
	}
	a, err := account(ctx, l.Accounts, l.People, who, name)
	if core.ErrorCode(err) == core.CodeNotFound {
		a, err = &core.AccountRecord{Person: who.ID, Provider: name}, nil
	}
	if err != nil {
		return nil, err
	}
	now := l.Clock.Now().UTC()
	a.Number++
	sealed, err := l.Vault.Seal(ctx, a.Label(), key)
	if err != nil {
		return nil, err
	}
	k := key.Reveal()
	a.Sealed, a.Fingerprint, a.Last4, a.Facts, a.Broken, a.LinkedAt, a.CheckedAt = &sealed, fp, k[max(0, len(k)-4):], facts, "", now, now
	if err := l.Accounts.PutAccount(ctx, a); err != nil {
		return nil, err
	}
	l.Log.InfoContext(ctx, "account linked", "provider", name, "person", a.Person)
	return a, nil
}

// tell lets the person know in the chat what came of it. Nothing depends on it.
func (l *Linker) tell(ctx context.Context, to core.IdentityID, person core.PersonID, reply core.ReplyHandle, a *core.AccountRecord, name core.ProviderName, fail error, what string) {
	if err := l.Receiver.Receive(ctx, l.event(ctx, to, person, reply, a, name, fail, what)); err != nil {
		l.Log.WarnContext(ctx, "linking not told", "provider", name, "error", err)
	}
}

func (l *Linker) event(ctx context.Context, to core.IdentityID, person core.PersonID, reply core.ReplyHandle, a *core.AccountRecord, name core.ProviderName, fail error, what string) core.Inbound {
	ev := &core.AccountEvent{Person: person, Provider: name}
	if fail != nil {
		lang := core.Lang{Translator: l.Translator}
		if p, err := l.People.ByIdentity(ctx, to); err == nil {
			lang = p.Lang(l.Translator)
		}
		ev.Fail = lang.Error(fail)
	} else {
		ev.Last4, ev.Facts = a.Last4, a.Facts
	}
	return core.Inbound{ID: core.InboundID("account-" + core.Digest(24, "linked", what)), Kind: core.InboundAccount, At: l.Clock.Now(), Actor: core.Actor{Identity: to}, Reply: reply, Account: ev}
}

// secretLabel is the label under which a credential waits in a ticket.
func secretLabel(id core.IdentityID, provider core.ProviderName) core.SealLabel {
	return core.SealLabel{Person: core.PersonID("waiting/" + string(id)), Provider: provider}
}

// Conceal seals what was typed into a secret option before its inbound is stored: the option then names a ticket that
// works once, for ten minutes, for the same identity.
func (l *Linker) Conceal(ctx context.Context, in *core.Inbound) error {
	c := in.Command
	name := core.ProviderName(strings.ToLower(c.Options["provider"]))
	if arg, _, _ := strings.Cut(c.Action.Arg, ","); name == "" {
		name = core.ProviderName(arg)
	}
	key, err := cleanKey(c.Secret)
	if err != nil {
		return err
	}
	sealed, err := l.Vault.Seal(ctx, secretLabel(in.Actor.Identity, name), key)
	if err != nil {
		return err
	}
	data, err := json.Marshal(sealed)
	if err != nil {
		return core.Wrap(core.CodeInternal, err)
	}
	token, err := l.Tickets.Issue(ctx, core.Ticket{Kind: core.TicketSecret, Identity: in.Actor.Identity, Provider: name, Data: data, Expires: l.Clock.Now().Add(linkFor)}, false)
	if err != nil {
		return err
	}
	c.Secret = core.Secret{}
	if c.Options == nil {
		c.Options = map[string]string{}
	}
	c.Options["key"] = token
	return nil
}

// Link tests and links a credential that waits in a ticket, and tells the person what came of it. Tried again after it
// worked, it tells the same once more, which is told once.
func (l *Linker) Link(ctx context.Context, o core.Outgoing) error {
	a, err := l.fromTicket(ctx, o.Link)
	switch core.ErrorCode(err) {
	case core.CodeRetry, core.CodeUnknown:
		return err
	case core.CodeConflict:
		return core.Wrap(core.CodeRetry, err)
	}
	in := l.event(ctx, o.Link.Identity, o.Link.Person, o.Reply, a, o.Link.Provider, err, string(o.ID))
	in.Room, in.Thread = o.Room, o.Thread
	if err := l.Receiver.Receive(ctx, in); err != nil {
		return err
	}
	_, err = l.Tickets.Redeem(ctx, core.TicketSecret, o.Link.Ticket)
	if core.ErrorCode(err) == core.CodeNotFound {
		return nil
	}
	return err
}

func (l *Linker) fromTicket(ctx context.Context, r *core.LinkRequest) (*core.AccountRecord, error) {
	t, err := l.Tickets.Look(ctx, core.TicketSecret, r.Ticket)
	if err != nil {
		return nil, err
	}
	if t.Identity != r.Identity || t.Provider != r.Provider {
		return nil, core.Errorf(core.CodeForbidden, "That key was entered by somebody else.")
	}
	var sealed core.Sealed
	if err := json.Unmarshal(t.Data, &sealed); err != nil {
		return nil, core.Wrap(core.CodeInternal, err)
	}
	key, err := l.Vault.Unseal(ctx, secretLabel(t.Identity, t.Provider), sealed)
	if err != nil {
		return nil, err
	}
	owner, err := l.owner(ctx, r.Identity, r.Person)
	if err != nil {
		return nil, err
	}
	return l.link(ctx, owner, r.Provider, key)
}
