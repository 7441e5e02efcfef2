package ops

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

// TestDocs keeps docs/metrics.md what the code says; UPDATE_GOLDEN=1 writes it anew.
func TestDocs(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Metrics

Each replica serves them at ` + "`:9090/metrics`" + `. No label carries an id or a name of anybody. Gauges that every replica reports the same: take
their ` + "`max`, not their `sum`. `go_*` and `process_*`" + ` are Prometheus' own. The dashboard and the alerts in
[charts/atelier/files](../charts/atelier/files) use nothing else; a check compares them with this table, which is generated.

| metric | type | labels | |
|---|---|---|---|
`)
	for _, m := range core.Metrics() {
		labels := make([]string, len(m.Labels))
		for i, l := range m.Labels {
			labels[i] = "`" + l + "`"
		}
		fmt.Fprintf(&b, "| `atelier_%s` | %s | %s | %s |\n", m.Name, m.Kind, strings.Join(labels, ", "), m.Help)
	}
	path := filepath.Join("..", "..", "docs", "metrics.md")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Error("docs/metrics.md is not what the code says: run make golden")
	}
}
