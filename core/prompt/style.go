package prompt

import "strings"

// Styled puts a style around somebody's prompt: its prefix before their words, its suffix behind them, and those of its
// parameters that they did not give themselves. What the person typed wins. Errors are Parse's.
func (t *Table) Styled(text, prefix, suffix string) (string, error) {
	if strings.TrimSpace(prefix) == "" && strings.TrimSpace(suffix) == "" {
		return text, nil
	}
	own, err := t.Parse(text)
	if err != nil {
		return "", err
	}
	before, err := t.Parse(prefix)
	if err != nil {
		return "", err
	}
	after, err := t.Parse(suffix)
	if err != nil {
		return "", err
	}
	words, params := split(text)
	out := []string{join(before.Words, words, after.Words), params}
	has := map[string]bool{}
	for _, s := range own.Params {
		has[s.Name] = true
	}
	for _, style := range []struct {
		p    Prompt
		text string
	}{{after, suffix}, {before, prefix}} {
		if style.p.Given && !own.Given {
			own.Given = true
			out = append(out, versionOf(style.text))
		}
		for _, s := range style.p.Params {
			if has[s.Name] {
				continue
			}
			has[s.Name] = true
			if s.Value == "" || s.Value == "true" {
				out = append(out, "--"+s.Name)
			} else {
				out = append(out, "--"+s.Name+" "+s.Value)
			}
		}
	}
	full := strings.Join(strings.Fields(strings.Join(out, " ")), " ")
	if n := len([]rune(full)); n > t.MaxLength {
		_, err := t.Parse(full) // says how long it may be
		return "", err
	}
	return full, nil
}

// split cuts a prompt before its first parameter.
func split(text string) (words, params string) {
	fields := strings.Fields(text)
	for i, f := range fields {
		if isParam(f) {
			return strings.Join(fields[:i], " "), strings.Join(fields[i:], " ")
		}
	}
	return strings.Join(fields, " "), ""
}

// join puts parts of a prompt together with commas, as people write styles.
func join(before, words, after string) string {
	out := words
	if before != "" {
		out = before + " " + out
	}
	if after != "" {
		out = strings.TrimRight(out, " ,") + ", " + strings.TrimLeft(after, " ,")
	}
	return out
}

// versionOf returns the version as it was typed: "--v 7" or "--niji 6".
func versionOf(text string) string {
	fields := strings.Fields(text)
	for i, f := range fields {
		switch name := strings.TrimPrefix(f, "--"); {
		case name == f:
		case strings.HasPrefix(name, "v=") || strings.HasPrefix(name, "version=") || strings.HasPrefix(name, "niji="):
			return f
		case (name == "v" || name == "version" || name == "niji") && i+1 < len(fields):
			return f + " " + fields[i+1]
		}
	}
	return ""
}
