package discordsim_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
)

func TestOfficialJavaScriptClient(t *testing.T) {
	dir := os.Getenv("ATELIER_JS_CLIENTS")
	if dir == "" {
		t.Skip("ATELIER_JS_CLIENTS names no folder with node_modules")
	}
	script, err := filepath.Abs("../../../.ci/clients/discord.mjs")
	if err != nil {
		t.Fatal(err)
	}
	// Modules are looked up beside the script, so the script goes to where they are.
	src, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp(dir, "discord-*.mjs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(f.Name()) })
	if _, err := f.Write(src); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, url := start(t, discordsim.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", filepath.Base(f.Name()))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SIM_URL="+url, "SIM_TOKEN="+discordsim.DemoBotToken, "SIM_CHANNEL="+discordsim.DemoStudio, "SIM_GUILD="+discordsim.DemoGuildID,
		"SIM_PERSON="+discordsim.DemoMaya)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
