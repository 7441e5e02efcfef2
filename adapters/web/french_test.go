package web

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

// french knows two sentences and the language's tag.
type french struct{}

func (french) Text(l core.Locale, sentence string) string {
	words := map[string]string{"lang:en": "lang:fr", "Your %s key": "Votre clé %s"}
	if s := words[sentence]; s != "" && strings.HasPrefix(string(l), "fr") {
		return s
	}
	return sentence
}

func (french) Count(_ core.Locale, _ int, _, other string) string { return other }

func (french) Languages() []core.Locale { return []core.Locale{"en", "fr"} }

func TestPagesSpeakTheBrowsersLanguage(t *testing.T) {
	a := NewAccounts(&linking{}, french{}, slog.New(slog.DiscardHandler))
	for lang, want := range map[string][]string{"fr-CA,fr;q=0.8": {`<html lang="fr">`, "Votre clé OpenAI"}, "en-GB": {`<html lang="en">`, "Your OpenAI key"}, "": {`<html lang="en">`, "Your OpenAI key"}} {
		r := httptest.NewRequest(http.MethodGet, "/account/T", nil)
		r.Header.Set("Accept-Language", lang)
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		body, err := io.ReadAll(w.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range want {
			if !strings.Contains(string(body), s) {
				t.Errorf("%q: no %q in\n%s", lang, s, body)
			}
		}
		if w.Header().Get("Vary") != "Accept-Language" {
			t.Error("a cache would keep one language")
		}
	}
}
