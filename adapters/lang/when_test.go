package lang

import (
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/when"
)

func TestMomentsInFrench(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	l := core.Lang{Translator: New(), Locale: "fr", Zone: loc}
	now := time.Date(2026, 11, 18, 15, 30, 0, 0, loc) // a Wednesday
	for typed, want := range map[string]string{
		"aujourd’hui 17h": "18 17:00", "aujourd'hui 17h": "18 17:00", "Aujourd’hui à 17 h 30": "18 17:30", "demain 17\u00a0h\u202f30": "19 17:30",
		"ce soir": "18 20:00", "ce soir à 21h": "18 21:00", "ce soir 8h": "18 20:00", "vendredi à 17 h 30": "20 17:30", "vendredi 27 novembre à 17h": "27 17:00",
		"après-demain": "20 18:00", "apres-demain 9h": "20 09:00", "demain matin": "19 09:00", "demain matin 9h": "19 09:00", "demain après-midi à 3h": "19 15:00", "demain soir": "19 20:00",
		"demain à midi": "19 12:00", "minuit": "19 00:00", "vendredi minuit": "21 00:00", "dans quinze jours": "03 18:00", "dans un mois": "18 18:00", "24 déc.": "24 18:00", "24 fevrier 9h": "24 09:00",
		"ven. 27 nov. à 17:00": "27 17:00", "mar. 24 nov.": "24 18:00", "3 mars": "03 18:00", "jeu. 1 avr. 2027 à 17:00": "01 17:00", "vendredi prochain": "20 18:00", "tomorrow 9am": "19 09:00",
	} {
		m, err := when.Parse(typed, now, l)
		if got := m.Time.Format("02 15:04"); err != nil || got != want {
			t.Errorf("%s is %s (%v), want %s", typed, got, err, want)
		}
	}
	if m, used, err := when.Prefix("ven. 27 nov. à 17 h 30 affiches", now, l); err != nil || used != 7 || m.Time.Format("02 15:04") != "27 17:30" {
		t.Error(m, used, err)
	}
	if m, used, err := when.Prefix("demain 17 h 30 min affiches", now, l); err != nil || used != 3 || m.Time.Format("02 15:04") != "19 17:00" {
		t.Error(m, used, err)
	}
}

// TestTimesAreReadAsWeWriteThem is for who copies one from a card.
func TestTimesAreReadAsWeWriteThem(t *testing.T) {
	now := time.Date(2026, 11, 18, 15, 30, 0, 0, time.UTC)
	for _, locale := range []core.Locale{"en", "fr"} {
		for _, zone := range []*time.Location{nil, time.UTC} {
			l := core.Lang{Translator: New(), Locale: locale, Zone: zone}
			for days := range 400 {
				at := now.AddDate(0, 0, days+1)
				if m, err := when.Parse(l.Time(at, now), now, l); err != nil || !m.Time.Equal(at) {
					t.Errorf("%s %s: %v, %v", locale, l.Time(at, now), m.Time, err)
				}
			}
		}
	}
}
