package app

import (
	"context"

	"github.com/atelier-bridge/atelier/adapters/lang"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
	"github.com/atelier-bridge/atelier/core/relay"
	"github.com/atelier-bridge/atelier/core/studio"
)

// table is the command table with the verbs of all languages. It panics only on a mistake in a catalogue, which a test
// would find first.
func table(tr core.Translator) *command.Table {
	t, err := command.New().In(tr)
	if err != nil {
		panic(err)
	}
	return t
}

// languages are those that this program was built with.
func languages() *lang.Translator { return lang.New() }

// speak gives everything that speaks to people the languages.
func (a *App) speak(linker *studio.Linker, router *relay.Router) {
	a.studio.Translator, a.runner.Translator, a.deliver.Translator = a.tr, a.tr, a.tr
	linker.Translator, router.Translator = a.tr, a.tr
}

// speaks is how to speak to the person behind an identity.
func (a *App) speaks(ctx context.Context, id core.IdentityID) core.Lang {
	if p, err := a.store.People.ByIdentity(ctx, id); err == nil {
		return p.Lang(a.tr)
	}
	return core.Lang{Translator: a.tr}
}
