package app

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/atelier-bridge/atelier"

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
}

// TestArrows keeps the import direction: cmd -> app -> adapters, feedback -> core.
func TestArrows(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports,Deps,Standard", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string]listed{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
	for path, p := range all {
		rel, ours := strings.CutPrefix(path, module+"/")
		if !ours {
			continue
		}
		for _, imp := range p.Imports {
			if why := wrong(rel, imp, all[imp].Standard); why != "" {
				t.Errorf("%s imports %s: %s", rel, strings.TrimPrefix(imp, module+"/"), why)
			}
		}
		if rel == "adapters/provider/midjourney" && slices.ContainsFunc(p.Imports, func(i string) bool { return i == "net" || strings.HasPrefix(i, "net/") }) {
			t.Errorf("%s can reach the network: Midjourney forbids automation", rel)
		}
		if strings.HasSuffix(rel, "sim") {
			for _, dep := range p.Deps {
				if strings.HasPrefix(dep, "github.com/slack-go/") || strings.HasPrefix(dep, "github.com/bwmarrin/") {
					t.Errorf("%s depends on %s: a simulator must not share the library's mistakes", rel, dep)
				}
			}
		}
	}
}

// wrong says why an import is not allowed; "" when it is.
func wrong(from, imp string, std bool) string {
	to, ours := strings.CutPrefix(imp, module+"/")
	top := func(s string) string { first, _, _ := strings.Cut(s, "/"); return first }
	sdk := func(prefix, home string) bool {
		return strings.HasPrefix(imp, prefix) && !strings.HasPrefix(from+"/", home)
	}
	switch {
	case top(from) == "core" && !std && (!ours || top(to) != "core"):
		return "core knows the standard library and itself only"
	case top(from) == "feedback" && ours && top(to) != "core" && top(to) != "feedback":
		return "the store knows core only"
	case top(from) == "adapters" && ours && (top(to) == "feedback" || top(to) == "cmd"):
		return "an adapter sees ports, never the store or the program"
	case top(from) == "adapters" && ours && top(to) == "adapters" && !sibling(from, to):
		return "an adapter imports no sibling"
	case sdk("github.com/slack-go/", "adapters/slack/"):
		return "slack-go stays in adapters/slack"
	case sdk("github.com/bwmarrin/discordgo", "adapters/discord/"):
		return "discordgo stays in adapters/discord"
	case sdk("github.com/redis/go-redis", "feedback/"):
		return "go-redis stays under feedback"
	case strings.HasPrefix(from, "core/") && strings.HasPrefix(to, "core/studio") && from != "core/studio":
		return "nothing in core imports the use cases"
	}
	return ""
}

// sibling reports whether one adapter may import another: itself and below, internal helpers, and media and their own
// internal helpers for providers.
func sibling(from, to string) bool {
	switch {
	case strings.HasPrefix(to, "adapters/internal/"):
		return true
	case strings.HasPrefix(from, "adapters/provider/") && to == "adapters/media":
		return true
	case strings.HasPrefix(from, "adapters/provider/") && !strings.HasSuffix(from, "sim") && strings.HasPrefix(to, "adapters/provider/internal/"):
		return true
	}
	own := func(s string) string { p := strings.Split(s, "/"); return strings.Join(p[:min(2, len(p))], "/") }
	if strings.HasPrefix(from, "adapters/provider/") {
		return from == to
	}
	return own(from) == own(to) && !strings.HasSuffix(from, "sim")
}
