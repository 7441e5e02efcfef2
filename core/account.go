package core

import (
	"context"
	"encoding/json"
	"time"
)

// Account is what a run needs of a person's account. Key is opened for one call and not kept.
type Account struct {
	Person   PersonID
	Provider ProviderName
	Key      Secret
}

// EndUser returns a stable pseudonym of the account's person, for providers that want to tell end users apart.
func (a Account) EndUser() string { return "at-" + Digest(32, "end-user", string(a.Person)) }

// AccountFacts is what a provider tells about a credential, in its own words; fields are empty when it says nothing.
type AccountFacts struct {
	Scope   string `json:"scope,omitempty"`   // what the key may do, or its label
	Plan    string `json:"plan,omitempty"`    // such as "paid tier"
	Balance string `json:"balance,omitempty"` // such as "$4.20 left"
}

// AccountRecord is a person's account at a provider, as it is stored. At a provider that is run by hand it has a plan
// and no credential.
type AccountRecord struct {
	V           int          `json:"v"`
	Rev         int64        `json:"rev"`
	Person      PersonID     `json:"person"`
	Provider    ProviderName `json:"provider"`
	Plan        string       `json:"plan,omitempty"` // of a hand-off provider, as the person says
	Sealed      *Sealed      `json:"sealed,omitempty"`
	Fingerprint string       `json:"fingerprint,omitempty"` // keyed; equal credentials have equal ones
	Last4       string       `json:"last4,omitempty"`
	Facts       AccountFacts `json:"facts,omitzero"`
	Number      int          `json:"number,omitempty"` // of the credential, counted up when it is replaced; part of its seal's label
	AtOnce      int          `json:"atOnce,omitempty"` // runs at once, where the person wants fewer than the provider allows
	LinkedAt    time.Time    `json:"linkedAt"`
	CheckedAt   time.Time    `json:"checkedAt,omitzero"`
	Broken      string       `json:"broken,omitempty"` // why the provider did not accept it the last time, for the person
}

// Label returns the label of the account's seal.
func (a *AccountRecord) Label() SealLabel {
	return SealLabel{Person: a.Person, Provider: a.Provider, Number: a.Number}
}

// Accounts keeps people's accounts. Ids are taken as they are: who a person was before is the caller's business.
type Accounts interface {
	// Account returns a person's account; CodeNotFound when there is none.
	Account(ctx context.Context, person PersonID, provider ProviderName) (*AccountRecord, error)
	// Accounts lists a person's accounts by provider.
	Accounts(ctx context.Context, person PersonID) ([]*AccountRecord, error)
	// PutAccount stores an account; Rev is the one it was read with, 0 for a new one. CodeForbidden: its fingerprint
	// belongs to somebody else, whoever that is.
	PutAccount(ctx context.Context, a *AccountRecord) error
	// DropAccount deletes an account with its credential and fingerprint; CodeNotFound when there is none.
	DropAccount(ctx context.Context, person PersonID, provider ProviderName) error
	// EachAccount calls f with every account, in no order; for rotation.
	EachAccount(ctx context.Context, f func(*AccountRecord) error) error
}

// SealLabel is bound to a sealed credential: it opens only under the same one.
type SealLabel struct {
	Person   PersonID
	Provider ProviderName
	Number   int
}

// Sealed is a credential as it is stored: its data key, wrapped by a keeper, and the text under that key.
type Sealed struct {
	Keeper string `json:"keeper"` // which keeper wrapped the key; says nothing about it
	Key    []byte `json:"key"`
	Text   []byte `json:"text"` // nonce and ciphertext
}

// Vault seals and opens credentials. Clear text lives for one call.
type Vault interface {
	// Seal seals a credential under a new data key.
	Seal(ctx context.Context, l SealLabel, s Secret) (Sealed, error)
	// Unseal opens it; CodeInternal when the label or the bytes are not those of Seal or no keeper knows the key.
	Unseal(ctx context.Context, l SealLabel, s Sealed) (Secret, error)
	// Rewrap wraps the data key by the newest keeper; changed is false when it is already.
	Rewrap(ctx context.Context, s Sealed) (out Sealed, changed bool, err error)
	// Fingerprint returns a keyed digest of a credential: equal ones have equal digests, and nobody without the key can
	// test a guess.
	Fingerprint(ctx context.Context, s Secret) (string, error)
}

// Terms is what a provider demands of whoever uses it, as dated data.
type Terms struct {
	Version    string   `json:"version"` // a person accepts each version once
	Automation bool     `json:"automation"`
	Sharing    bool     `json:"sharing"`
	MinimumAge int      `json:"minimumAge,omitempty"`
	Rules      []string `json:"rules,omitempty"` // sentences that a person should know before linking
	Source     string   `json:"source"`          // a link to the terms
	Checked    string   `json:"checked"`         // the day on which somebody read them, 2026-11-22
}

// Ticket is a short-lived, single-use step that a person takes elsewhere or later: a page, a confirmation, a code. It
// holds no credential in clear text.
type Ticket struct {
	V        int             `json:"v"`
	Kind     TicketKind      `json:"kind"`
	Person   PersonID        `json:"person"`
	Name     string          `json:"name,omitempty"` // of the person, for pages
	Identity IdentityID      `json:"identity,omitempty"`
	Provider ProviderName    `json:"provider,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"`
	By       InboundID       `json:"by,omitempty"` // the inbound that used it: handled again, it finds the ticket still there
	Expires  time.Time       `json:"expires"`
}

// TicketKind says what a ticket is for.
type TicketKind string

// Kinds of tickets.
const (
	TicketPage     TicketKind = "page"     // a one-time page on which a key is entered
	TicketOAuth    TicketKind = "oauth"    // the return from a provider's own page
	TicketPlan     TicketKind = "plan"     // a command that waits for a confirmation
	TicketIdentity TicketKind = "identity" // two identities that may become one person
	TicketSecret   TicketKind = "secret"   // a sealed credential on its way from a modal
	TicketInstall  TicketKind = "install"  // a team may install the app once
	TicketState    TicketKind = "state"    // somebody is at the platform's own page and comes back
	TicketSearch   TicketKind = "search"   // a search whose pages somebody turns
	TicketSlot     TicketKind = "slot"     // a free slot of the calendar that somebody was offered
	TicketBulk     TicketKind = "bulk"     // an action on all that was found, which waits for a confirmation
	TicketFiles    TicketKind = "files"    // files to be fetched by a link, as often as somebody likes until it expires
)

// Tickets keeps tickets by token. Tokens are kept as digests only.
type Tickets interface {
	// Issue stores a ticket until it expires and returns its token: 26 letters and digits, or with code eight that a
	// person can type.
	Issue(ctx context.Context, t Ticket, code bool) (token string, err error)
	// Look returns a ticket without using it; CodeNotFound when it was used, has expired or never was.
	Look(ctx context.Context, kind TicketKind, token string) (Ticket, error)
	// Redeem returns a ticket once; CodeNotFound as with Look.
	Redeem(ctx context.Context, kind TicketKind, token string) (Ticket, error)
	// Change changes a ticket that was not used yet through f, which may run more than once; its expiry stays.
	Change(ctx context.Context, kind TicketKind, token string, f func(*Ticket) error) (Ticket, error)
	// Attempt counts what somebody tries within a span of time that begins with the first try.
	Attempt(ctx context.Context, who string, span time.Duration) (count int, err error)
}

// Linking is what the one-time pages do. Whoever holds a token may act for the person that it was made for, so pages say
// who that is.
type Linking interface {
	// Page returns what a token's page shows; CodeNotFound when it was used or has expired.
	Page(ctx context.Context, token string) (LinkPage, error)
	// Enter tests a key that was entered on the page and links it. The token is used up only when that worked.
	Enter(ctx context.Context, token string, key Secret) (*AccountRecord, error)
	// Returned is Page for somebody whom a provider sent back.
	Returned(ctx context.Context, token string) (LinkPage, error)
	// Exchange trades the code of a provider's page for a credential and links it. The token is used up in any case.
	Exchange(ctx context.Context, token, code string) (*AccountRecord, error)
}

// LinkPage is what a one-time page shows.
type LinkPage struct {
	Provider ProviderName
	Person   string // the name of whose account it will be
	Identity IdentityID
	Terms    Terms
}
