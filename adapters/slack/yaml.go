package slack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// YAML writes JSON as block YAML, in its own order: Slack's form for manifests takes it, and people can read it. It knows what a
// manifest holds: objects, lists, strings, numbers and booleans.
func YAML(data []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var b bytes.Buffer
	if err := yamlValue(&b, dec, 0, false); err != nil {
		return nil, fmt.Errorf("slack: manifest: %w", err)
	}
	return bytes.TrimLeft(b.Bytes(), "\n"), nil
}

// yamlValue writes the next value. inList says that it stands behind a dash: then its first key follows on the same line.
func yamlValue(b *bytes.Buffer, dec *json.Decoder, indent int, inList bool) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	delim, nested := tok.(json.Delim)
	if !nested {
		b.WriteString(" " + yamlScalar(tok) + "\n")
		return nil
	}
	if !dec.More() {
		b.WriteString(map[json.Delim]string{'{': " {}\n", '[': " []\n"}[delim])
		_, err = dec.Token()
		return err
	}
	if !inList {
		b.WriteByte('\n')
	}
	for n := 0; dec.More(); n++ {
		pad := strings.Repeat(" ", indent)
		if inList && n == 0 {
			pad = " "
		}
		if delim == '[' {
			b.WriteString(pad + "-")
			err = yamlValue(b, dec, indent+2, true)
		} else {
			var key json.Token
			if key, err = dec.Token(); err == nil {
				b.WriteString(pad + yamlScalar(key) + ":")
				err = yamlValue(b, dec, indent+2, false)
			}
		}
		if err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// plainWord is what needs no quotation marks in YAML.
var plainWord = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_/.-]*(:[a-z]+(\.[a-z]+)*)?( [A-Za-z0-9_/.-]+)*$`)

func yamlScalar(tok json.Token) string {
	s, ok := tok.(string)
	switch {
	case tok == nil:
		return "null"
	case !ok:
		return fmt.Sprint(tok)
	case plainWord.MatchString(s) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(s)):
		return s
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n") // JSON's strings are YAML's, between double quotation marks
}
