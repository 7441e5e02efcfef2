package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// row reads a line of the table of metrics: name, type, labels.
var row = regexp.MustCompile("(?m)^\\| `(atelier_[a-z_]+)` \\| (counter|gauge|histogram) \\| ([^|]*) \\|")

// everywhere are labels that whoever scrapes adds, and the one of histograms.
var everywhere = []string{"job", "namespace", "instance", "pod", "le"}

type checker struct {
	labels map[string][]string // of each series
	seen   map[string]bool     // metrics that some query uses
	bad    []error
	count  int
}

func queries(metrics, runbooks, alerts, dashboard string) error {
	c := checker{labels: map[string][]string{"up": nil}, seen: map[string]bool{}}
	text, err := os.ReadFile(metrics)
	if err != nil {
		return err
	}
	rows := row.FindAllStringSubmatch(string(text), -1)
	for _, r := range rows {
		var labels []string
		for _, l := range strings.Split(r[3], ",") {
			if l = strings.Trim(l, " `"); l != "" {
				labels = append(labels, l)
			}
		}
		names := []string{r[1]}
		if r[2] == "histogram" {
			names = []string{r[1] + "_bucket", r[1] + "_sum", r[1] + "_count"}
		}
		for _, n := range names {
			c.labels[n] = labels
		}
	}
	n, err := c.alerts(alerts, runbooks)
	if err != nil {
		return err
	}
	if err := c.dashboard(dashboard); err != nil {
		return err
	}
	for _, r := range rows {
		if !c.seen[r[1]] {
			c.add("%s: no query uses it: show it, or do not count it", r[1])
		}
	}
	if len(c.bad) == 0 {
		fmt.Printf("%d alerts and %d queries over %d metrics are well\n", n, c.count, len(rows))
	}
	return errors.Join(c.bad...)
}

func (c *checker) add(format string, args ...any) { c.bad = append(c.bad, fmt.Errorf(format, args...)) }

func (c *checker) alerts(path, runbooks string) (int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr         string
				For                 string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.UnmarshalStrict(data, &file); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	pages := map[string]bool{}
	n := 0
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			n++
			c.query(r.Alert, r.Expr)
			if r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				c.add("%s: it lacks a severity, a summary or a description", r.Alert)
			}
			page := r.Alert + ".md"
			if !strings.HasSuffix(r.Annotations["runbook_url"], "/docs/runbooks/"+page) {
				c.add("%s: its runbook_url does not end in /docs/runbooks/%s", r.Alert, page)
			}
			if _, err := os.Stat(filepath.Join(runbooks, page)); err != nil {
				c.add("%s: %v", r.Alert, err)
			}
			pages[page] = true
		}
	}
	entries, err := os.ReadDir(runbooks)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if e.Name() != "README.md" && !pages[e.Name()] {
			c.add("%s/%s: there is no such alert", runbooks, e.Name())
		}
	}
	return n, nil
}

// dashboard checks every "expr" and every query of a variable, wherever it is.
func (c *checker) dashboard(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var board any
	if err := json.Unmarshal(data, &board); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if e, ok := v["expr"].(string); ok {
				c.query("dashboard", e)
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(board)
	return nil
}

// variables are Grafana's own in queries; any duration parses as well as theirs.
var variables = strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$__interval", "1m")

func (c *checker) query(where, text string) {
	c.count++
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(variables.Replace(text))
	if err != nil {
		c.add("%s: %s: %w", where, text, err)
		return
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok {
			c.selector(where, v)
		}
		if a, ok := node.(*parser.AggregateExpr); ok {
			for _, l := range a.Grouping {
				c.grouping(where, l, a)
			}
		}
		return nil
	})
}

func (c *checker) selector(where string, v *parser.VectorSelector) {
	labels, known := c.labels[v.Name]
	if !known && !strings.HasPrefix(v.Name, "go_") && !strings.HasPrefix(v.Name, "process_") {
		c.add("%s: there is no metric %s", where, v.Name)
		return
	}
	base := v.Name
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		base = strings.TrimSuffix(base, suffix)
	}
	c.seen[v.Name], c.seen[base] = true, true
	bound := false
	for _, m := range v.LabelMatchers {
		bound = bound || m.Name == "job"
		if known && m.Name != "__name__" && !slices.Contains(everywhere, m.Name) && !slices.Contains(labels, m.Name) {
			c.add("%s: %s has no label %s", where, v.Name, m.Name)
		}
	}
	if !bound {
		c.add("%s: %s is not bound to a job: it would mix installations", where, v.Name)
	}
}

// grouping checks that some metric below an aggregation has the label.
func (c *checker) grouping(where, label string, a *parser.AggregateExpr) {
	found := slices.Contains(everywhere, label)
	parser.Inspect(a, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok && slices.Contains(c.labels[v.Name], label) {
			found = true
		}
		return nil
	})
	if !found {
		c.add("%s: nothing in %s has the label %s", where, a, label)
	}
}
