package slacksim

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOfficialJavaScriptClient lets Slack's own SDK work against the simulator.
func TestOfficialJavaScriptClient(t *testing.T) {
	dir := os.Getenv("ATELIER_JS_CLIENTS")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@slack", "socket-mode")); dir == "" || err != nil {
		t.Skipf("no node_modules with @slack/socket-mode in %q (ATELIER_JS_CLIENTS)", dir)
	}
	r := newRig(t, func(o *Options) { o.FileDelay = 50 * time.Millisecond })
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("..", "..", "..", ".ci", "clients", "slack.mjs"))
	cmd.Env = append(os.Environ(), "ATELIER_JS_CLIENTS="+dir, "SLACK_API_URL="+r.APIURL(), "SLACK_CONTROL="+r.url+"/control",
		"SLACK_BOT_TOKEN="+r.opt.BotToken, "SLACK_APP_TOKEN="+r.opt.AppToken, "SLACK_CHANNEL="+acme, "SLACK_USER="+ada)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "slack: ok") {
		t.Fatalf("%v\n%s", err, out)
	}
}
