package main

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/atelier-bridge/atelier/core"
)

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// team visit URL allow|cancel TEXT: somebody opens an install link in a browser of their own, decides on Slack's page, and
// must read the text in the end.
// team steal URL TEXT: the same, but another browser comes back from Slack's page.
// team uninstall: an admin of the Slack team removes the app, and Atelier forgets it.
// team rotated: waits until Atelier has replaced its token.
func cmdTeam(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	switch args[0] {
	case "visit":
		visit(ts, args[1], args[2], args[3], false)
	case "steal":
		visit(ts, args[1], "allow", args[2], true)
	case "uninstall":
		s.w.Slack.Uninstall()
		s.until(ts, "the install is forgotten", func() bool {
			list, _, err := s.w.App().Store().People.Installs(context.Background(), core.Slack)
			return err == nil && len(list) == 0
		})
	case "rotated":
		s.until(ts, "the token is replaced", func() bool {
			for _, c := range s.w.Slack.Calls("oauth.v2.access") {
				if c.Args["grant_type"] == "refresh_token" && c.Error == "" {
					return true
				}
			}
			return false
		})
	default:
		ts.Fatalf("team visit, steal, uninstall or rotated")
	}
}

func visit(ts *testscript.TestScript, link, decision, text string, other bool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	c := &http.Client{Jar: jar}
	defer c.CloseIdleConnections()
	at, body := browse(ctx, ts, c, http.MethodGet, link, nil)
	if strings.Contains(body, "<form") {
		form := url.Values{"decision": {decision}}
		for _, m := range hiddenField.FindAllStringSubmatch(body, -1) {
			form.Set(m[1], html.UnescapeString(m[2]))
		}
		if other {
			c.Jar = nil
		}
		_, body = browse(ctx, ts, c, http.MethodPost, at, form)
	}
	if !strings.Contains(html.UnescapeString(body), text) {
		ts.Fatalf("the page does not show %q:\n%s", text, body)
	}
}

func browse(ctx context.Context, ts *testscript.TestScript, c *http.Client, method, to string, form url.Values) (at, body string) {
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(form.Encode()))
	ts.Check(err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := c.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	ts.Check(err)
	return resp.Request.URL.String(), string(data)
}
