package lang

import (
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

func TestFiguresAreWrittenAsTheirLanguageDoes(t *testing.T) {
	en, fr := core.Lang{}, core.Lang{Translator: New(), Locale: "fr"}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	first := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		say    func(core.Lang) string
		en, fr string
	}{
		{core.Money(120000).In, "$0.12", "0,12\u00a0$"},
		{core.Money(-1500000).In, "-$1.50", "-1,50\u00a0$"},
		{core.Say("%s", core.Money(33600)).In, "$0.0336", "0,0336\u00a0$"},
		{core.Say("%.1f MB", 1.34).In, "1.3 MB", "1,3\u00a0Mo"},
		{core.Say("%s credits left", core.Figure("12.5")).In, "12.5 credits left", "12,5 crédits restants"},
		{core.SayN(0, "about %s fast minutes", "about %s fast minutes", core.Figure("0.8")).In, "about 0.8 fast minutes", "environ 0,8 minute rapide"},
		{func(l core.Lang) string { return l.Day(first, now) }, "Tue 1 Dec", "mar. 1er déc."},
		{func(l core.Lang) string { return l.Day(now, now) }, "Sun 22 Nov", "dim. 22 nov."},
		{func(l core.Lang) string {
			return l.T("A digest comes here daily at %s (%s), next %s.", "9:00", "UTC", l.Day(now, now))
		},
			"A digest comes here daily at 9:00 (UTC), next Sun 22 Nov.", "Un résumé vient ici chaque jour à 9:00 (UTC), le prochain dim. 22 nov."},
	} {
		if got := c.say(en); got != c.en {
			t.Errorf("%q, want %q", got, c.en)
		}
		if got := c.say(fr); got != c.fr {
			t.Errorf("%q, want %q", got, c.fr)
		}
	}
}
