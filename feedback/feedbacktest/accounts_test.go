package feedbacktest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

func account(person core.PersonID, provider core.ProviderName, fp string) *core.AccountRecord {
	return &core.AccountRecord{Person: person, Provider: provider, Fingerprint: fp, Last4: "abcd", LinkedAt: time.Now().UTC(),
		Sealed: &core.Sealed{Keeper: "k1", Key: []byte("wrapped-" + fp), Text: []byte("sealed-" + fp)}}
}

func TestAccountsBelongToOnePerson(t *testing.T) {
	s := Open(t)
	ctx := t.Context()
	if err := s.People.PutAccount(ctx, account("p-ana", "openai", "f1")); err != nil {
		t.Fatal(err)
	}
	want(t, s.People.PutAccount(ctx, account("p-ben", "openai", "f1")), core.CodeForbidden)
	want(t, s.People.PutAccount(ctx, account("p-ana", "openrouter", "f1")), core.CodeForbidden)
	if err := s.People.PutAccount(ctx, account("p-ana", "gemini", "f2")); err != nil {
		t.Fatal(err)
	}
	if err := s.People.PutAccount(ctx, account("p-ana2", "gemini", "f3")); err != nil {
		t.Fatal(err)
	}
	list, err := s.People.Accounts(ctx, "p-ana")
	if err != nil || len(list) != 2 || list[0].Provider != "gemini" || list[1].Provider != "openai" {
		t.Fatal(list, err)
	}
	// Another key replaces the first one, whose fingerprint is free again.
	a := list[1]
	a.Fingerprint = "f4"
	if err := s.People.PutAccount(ctx, a); err != nil {
		t.Fatal(err)
	}
	if err := s.People.PutAccount(ctx, account("p-ben", "openai", "f1")); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := s.People.EachAccount(ctx, func(*core.AccountRecord) error { n++; return nil }); err != nil || n != 4 {
		t.Fatal(n, err)
	}
}

// A claim whose account was never stored, because the process died in between, blocks nobody.
func TestStaleFingerprintIsFree(t *testing.T) {
	s := Open(t)
	key := s.DB.Keys.Fingerprint(s.DB.Parts.OfKey("f1"), "f1")
	if err := s.DB.Client.Set(t.Context(), key, "p-ana/openai", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.People.PutAccount(t.Context(), account("p-ben", "openai", "f1")); err != nil {
		t.Fatal(err)
	}
}

func TestUnlinkedAccountLeavesNothing(t *testing.T) {
	s := Open(t)
	ctx := t.Context()
	if err := s.People.PutAccount(ctx, account("p-ana", "openai", "f-very-own")); err != nil {
		t.Fatal(err)
	}
	if err := s.People.DropAccount(ctx, "p-ana", "openai"); err != nil {
		t.Fatal(err)
	}
	_, err := s.People.Account(ctx, "p-ana", "openai")
	want(t, err, core.CodeNotFound)
	want(t, s.People.DropAccount(ctx, "p-ana", "openai"), core.CodeNotFound)
	EachKey(t, s, func(key, content string) {
		if strings.Contains(key+content, "f-very-own") || strings.Contains(key, "account:p-ana") {
			t.Errorf("%s is left: %s", key, content)
		}
	})
}

func TestTicketsAreUsedOnce(t *testing.T) {
	s := Open(t)
	ctx := t.Context()
	issue := func(code bool) string {
		token, err := s.People.Issue(ctx, core.Ticket{Kind: core.TicketPage, Person: "p-ana", Provider: "openai", Expires: time.Now().Add(time.Minute)}, code)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	token, code := issue(false), issue(true)
	if len(token) != 26 || len(code) != 9 || code[4] != '-' {
		t.Fatal(token, code)
	}
	if got, err := s.People.Look(ctx, core.TicketPage, strings.ToLower(strings.ReplaceAll(code, "-", " "))); err != nil || got.Person != "p-ana" {
		t.Fatal("a code must be readable however it is typed", got, err)
	}
	_, err := s.People.Look(ctx, core.TicketOAuth, token)
	want(t, err, core.CodeNotFound)
	if _, err := s.People.Change(ctx, core.TicketPage, token, func(t *core.Ticket) error { t.Name = "Ana"; return nil }); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	used := 0
	for range 8 {
		wg.Go(func() {
			got, err := s.People.Redeem(ctx, core.TicketPage, token)
			mu.Lock()
			defer mu.Unlock()
			if err == nil && got.Name == "Ana" {
				used++
			}
		})
	}
	wg.Wait()
	if used != 1 {
		t.Fatalf("used %d times", used)
	}
	_, err = s.People.Look(ctx, core.TicketPage, token)
	want(t, err, core.CodeNotFound)
	EachKey(t, s, func(key, content string) {
		if strings.Contains(key+content, token) || strings.Contains(key+content, strings.ReplaceAll(code, "-", "")) {
			t.Errorf("%s holds a token", key)
		}
	})
}

func TestAttemptsAreCounted(t *testing.T) {
	s := Open(t)
	for i := 1; i < 4; i++ {
		if n, err := s.People.Attempt(t.Context(), "slack:T1/U1", time.Minute); err != nil || n != i {
			t.Fatal(n, err)
		}
	}
}

func TestPeopleMergeAndSplit(t *testing.T) {
	s := Open(t)
	ctx := t.Context()
	ana, err := s.People.Meet(ctx, core.Actor{Identity: "slack:T1/U1", Name: "Ana"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.People.Meet(ctx, core.Actor{Identity: "discord:7", Name: "ana_l"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.People.PutAccount(ctx, account(other.ID, "openai", "f1")); err != nil {
		t.Fatal(err)
	}
	for id, names := range map[core.PersonID][]core.ProviderName{ana.ID: {"gemini", "bfl"}, other.ID: {"openai", "bfl"}} {
		if _, err := s.People.UpdatePerson(ctx, id, func(p *core.Person) error {
			p.Terms = map[core.ProviderName]string{}
			for _, n := range names {
				p.Terms[n] = "1"
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := s.People.Merge(ctx, ana.ID, other.ID); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []core.IdentityID{"slack:T1/U1", "discord:7"} {
		p, err := s.People.ByIdentity(ctx, id)
		if err != nil || p.ID != ana.ID || !p.Is(other.ID) || len(p.Identities) != 2 || len(p.Terms) != 3 {
			t.Fatal(p, err)
		}
	}
	p, err := s.People.Meet(ctx, core.Actor{Identity: "discord:7", Name: "ana_l"})
	if err != nil || p.ID != ana.ID || p.Name != "Ana" {
		t.Fatal(p, err)
	}
	if p, err := s.People.UpdatePerson(ctx, other.ID, func(p *core.Person) error { p.Provider = "openai"; return nil }); err != nil || p.ID != ana.ID {
		t.Fatal(p, err)
	}
	if err := s.People.Split(ctx, ana.ID, other.ID); err != nil {
		t.Fatal(err)
	}
	p, err = s.People.ByIdentity(ctx, "discord:7")
	if err != nil || p.ID != other.ID || p.Name != "ana_l" || p.Terms["openai"] == "" {
		t.Fatal(p, err)
	}
	p, err = s.People.ByIdentity(ctx, "slack:T1/U1")
	if err != nil || p.ID != ana.ID || len(p.Identities) != 1 || p.Is(other.ID) {
		t.Fatal(p, err)
	}
	if p.Terms["openai"] != "" || p.Terms["bfl"] == "" || p.Terms["gemini"] == "" { // what the other one accepted goes with them
		t.Fatal(p.Terms)
	}
}
