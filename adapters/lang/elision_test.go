package lang

import (
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

func TestFrenchShortensBeforeVowels(t *testing.T) {
	fr := core.Lang{Translator: New(), Locale: "fr"}
	for _, c := range []struct {
		saying core.Saying
		want   string
	}{
		{core.Say("Tasks of %s", core.ProjectKey("ACME")), "Tâches d’ACME"},
		{core.Say("Tasks of %s", "BOIS"), "Tâches de BOIS"},
		{core.Say("Tasks of %s", "Été"), "Tâches d’Été"},
		{core.Say("Tasks of %s", "Yves"), "Tâches d’Yves"},
		{core.Say("Tasks of %s", "Yann"), "Tâches de Yann"},
		{core.Say("Tasks of %s", "Hugo"), "Tâches de Hugo"},
		{core.Say("Tasks of %s", ""), "Tâches de "},
		{core.Say("Comment %d of %s, by %s", 3, "ACME-4", "the son of de Ada"), "Commentaire 3 d’ACME-4, par the son of de Ada"},
		{core.Say("You requested changes on v%d of %s.", 1, "ACME-4"), "Vous avez demandé des modifications sur v1 d’ACME-4."},
	} {
		if got := c.saying.In(fr); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if got := core.Say("Tasks of %s", "ACME").String(); got != "Tasks of ACME" {
		t.Error(got)
	}
}
