package command

import (
	"fmt"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// Markdown is docs/commands.md: every verb with its options, from the same table as everything else.
func (t *Table) Markdown() string {
	var b strings.Builder
	b.WriteString("# Commands\n\nThis page is generated from the command table (`make golden`); do not edit it by hand.\n\n" +
		"On Slack type `/atelier VERB …` or `/imagine …`; on Discord `/atelier`, `/atelier-review`, `/atelier-task`, `/atelier-find` and `/atelier-admin` with the verb. " +
		"In a task's thread mention the app: `@atelier approve v2`. Versions are written `v2`, their pictures `v2.3`, tasks `ACME-42`.\n")
	for _, g := range Groups() {
		head := false
		for _, r := range t.Offered() {
			if r.Group != g {
				continue
			}
			if !head {
				fmt.Fprintf(&b, "\n## %s\n", strings.ToUpper(string(g[:1]))+string(g[1:]))
				head = true
			}
			t.markdownRow(&b, r)
		}
	}
	return b.String()
}

func (t *Table) markdownRow(b *strings.Builder, r Row) {
	fmt.Fprintf(b, "\n### `%s`\n\n%s.", r.Verb, r.Help)
	if r.Role != core.RoleNone {
		fmt.Fprintf(b, " Needs the role %s.", r.Role)
	}
	if len(r.Aliases) > 0 {
		fmt.Fprintf(b, " Also: `%s`.", strings.Join(r.Aliases, "`, `"))
	}
	if r.Menu != "" {
		fmt.Fprintf(b, " Also as \"%s\" in a message's menu.", r.Menu)
	}
	b.WriteString("\n")
	if len(r.Options) > 0 {
		b.WriteString("\n| option | |\n|---|---|\n")
		for _, o := range r.Options {
			help := o.Help
			if len(o.Choices) > 0 {
				help += " (" + strings.Join(o.Choices, ", ") + ")"
			}
			if o.Required {
				help += "; required"
			}
			fmt.Fprintf(b, "| `%s` | %s |\n", o.Name, help)
		}
	}
	if len(r.Examples) > 0 {
		fmt.Fprintf(b, "\n```\n%s\n```\n", strings.Join(r.Examples, "\n"))
	}
}
