package studio

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// settings shows and changes a person's own defaults.
func (s *Studio) settings(ctx context.Context, c *call) (core.Change, error) {
	var done []string
	if name := c.inv.Arg("provider"); name != "" {
		pr, err := s.provider(nil, name)
		if err != nil {
			return core.Change{}, err
		}
		if c.Person, err = s.People.UpdatePerson(ctx, c.Person.ID, func(p *core.Person) error { p.Provider = pr.Name(); return nil }); err != nil {
			return core.Change{}, err
		}
		done = append(done, c.T("Your pictures are made with %s from now on, unless you say otherwise.", pr.Name()))
	}
	if v := c.inv.Arg("ask_above"); v != "" {
		micros, err := money(v)
		if err != nil {
			return core.Change{}, err
		}
		if c.Person, err = s.People.UpdatePerson(ctx, c.Person.ID, func(p *core.Person) error { p.AskAbove = &micros; return nil }); err != nil {
			return core.Change{}, err
		}
		done = append(done, c.T("You are asked before anything that costs more than %s.", core.Money(micros)))
	}
	if v := c.inv.Arg("at_once"); v != "" {
		line, err := s.setAtOnce(ctx, c, v)
		if err != nil {
			return core.Change{}, err
		}
		done = append(done, line)
	}
	said, err := s.setSpeech(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	if done = append(done, said...); len(done) > 0 {
		return c.say(text(strings.Join(done, " ")))
	}
	limit := c.T("the project's, or %s", core.Money(askAbove))
	if c.Person.AskAbove != nil {
		limit = core.Money(*c.Person.AskAbove).In(c.Lang)
	}
	fields := []core.Field{{Label: "provider", Value: core.Plain(string(s.defaultOf(c.Person)))}, {Label: "ask_above", Value: core.Plain(limit)}}
	return c.say(core.Card{Title: c.T("Your settings"), Fields: append(fields, speechFields(c.Lang, c.Person.Settings, c.Lang)...)})
}

// setAtOnce lowers how much runs at once on an account: "openai=1".
func (s *Studio) setAtOnce(ctx context.Context, c *call, v string) (string, error) {
	name, num, ok := strings.Cut(v, "=")
	n := 0
	if _, err := fmt.Sscanf(num, "%d", &n); !ok || err != nil || n < 0 || n > 100 {
		return "", core.Errorf(core.CodeInvalid, "%q is no limit.", clip(v, 30)).WithNext("Write the provider and a number, such as openai=1; 0 means as many as the provider allows.")
	}
	p, err := s.provider(nil, name)
	if err != nil {
		return "", err
	}
	a, err := account(ctx, s.Accounts, s.People, c.Person, p.Name())
	if err != nil {
		return "", err
	}
	a.AtOnce = n
	if err := s.Accounts.PutAccount(ctx, a); err != nil {
		return "", err
	}
	if n == 0 {
		return c.T("On your %s account runs as much at once as it allows.", p.Name()), nil
	}
	return c.N(n, "On your %[2]s account one job runs at once.", "On your %[2]s account %[1]d jobs run at once.", n, p.Name()), nil
}

// auto is the language, or the zone, that a person's platforms tell, and for projects English and UTC.
const auto = "auto"

// setSpeech changes a person's own language and time zone, and answers in the new one.
func (s *Studio) setSpeech(ctx context.Context, c *call) (done []string, err error) {
	chosen, err := s.speech(c)
	if err != nil || len(chosen) == 0 {
		return nil, err
	}
	if c.Person, err = s.People.UpdatePerson(ctx, c.Person.ID, func(p *core.Person) error {
		p.Settings = with(p.Settings, chosen)
		return nil
	}); err != nil {
		return nil, err
	}
	locale := c.Lang.Locale
	if c.Lang = c.Person.Lang(s.Translator); c.Lang.Locale == "" && chosen[core.SettingLanguage] == "" {
		c.Lang.Locale = locale
	}
	if _, ok := chosen[core.SettingLanguage]; ok {
		done = append(done, c.T("I speak %s to you from now on.", languageName(c.Lang)))
	}
	if _, ok := chosen[core.SettingTimezone]; ok {
		done = append(done, c.T("Your time zone is %s.", zoneName(c.Lang)))
	}
	return done, nil
}

// speech reads and checks --language and --timezone; an empty value takes the choice back.
func (s *Studio) speech(c *call) (map[string]string, error) {
	out := map[string]string{}
	if v := strings.ToLower(c.inv.Arg(core.SettingLanguage)); v != "" {
		names := []string{}
		for _, l := range s.languages() {
			names = append(names, string(l))
			if v == string(l) {
				out[core.SettingLanguage] = v
			}
		}
		switch _, ok := out[core.SettingLanguage]; {
		case v == auto:
			out[core.SettingLanguage] = ""
		case !ok:
			return nil, core.Errorf(core.CodeInvalid, "I do not speak %q.", clip(v, 20)).WithNext("Use one of: %s.", strings.Join(append(names, auto), ", "))
		}
	}
	if v := c.inv.Arg(core.SettingTimezone); v != "" {
		if strings.EqualFold(v, auto) {
			out[core.SettingTimezone] = ""
			return out, nil
		}
		// "Local" would be wherever this program runs.
		if loc, err := time.LoadLocation(v); err != nil || loc == time.Local {
			return nil, core.Errorf(core.CodeInvalid, "There is no time zone %q.", clip(v, 40)).WithNext("Write its continent and city, such as Europe/Paris, or auto.")
		}
		out[core.SettingTimezone] = v
	}
	return out, nil
}

// languages lists what there is, English first.
func (s *Studio) languages() []core.Locale {
	if s.Translator == nil {
		return []core.Locale{"en"}
	}
	return s.Translator.Languages()
}

// with adds choices to settings; an empty one takes a setting away.
func with(settings, chosen map[string]string) map[string]string {
	if settings == nil {
		settings = map[string]string{}
	}
	for k, v := range chosen {
		if settings[k] = v; v == "" {
			delete(settings, k)
		}
	}
	return settings
}

// speechFields show the language and the time zone that hold, and whether somebody chose them.
func speechFields(reader core.Lang, settings map[string]string, now core.Lang) []core.Field {
	show := func(name, what string) core.Field {
		if settings[name] == "" {
			what = reader.T("%s (auto)", what)
		}
		return core.Field{Label: name, Value: core.Plain(what)}
	}
	return []core.Field{show(core.SettingLanguage, languageName(now)), show(core.SettingTimezone, zoneName(now))}
}

// languageName is a language's own name for itself.
func languageName(l core.Lang) string { return l.T("English") }

func zoneName(l core.Lang) string {
	if l.Zone == nil {
		return "UTC"
	}
	return l.Zone.String()
}

// date is a day as it stands in records that are looked at years later, with its year.
func date(l core.Lang, t time.Time) string {
	t = l.In(t)
	return l.T("%[1]s %[2]s %[3]d", l.DayOfMonth(t), l.T(t.Format("Jan")), t.Year())
}

// written is a day of a record, such as 2026-11-22, as people write it.
func written(l core.Lang, day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	l.Zone = nil
	return date(l, t)
}
