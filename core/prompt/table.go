// Package prompt knows the prompt language: words, --parameters with their ranges per model version, permutations in
// braces and multi-prompt weights. The parameters stand in a dated data file, not in code, because they change
// without notice.
package prompt

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
)

//go:embed midjourney.json
var midjourneyTable []byte

// Table is what a language's parameters are and which versions know them.
type Table struct {
	Checked   string   `json:"checked"` // when somebody last compared it with the official documentation
	Default   string   `json:"default"`
	Versions  []string `json:"versions"`
	MaxLength int      `json:"maxLength"` // characters of a whole prompt
	Params    []Param  `json:"params"`

	by map[string]*Param
}

// Param is one parameter.
type Param struct {
	Name     string   `json:"name"`
	Aliases  []string `json:"aliases"`
	Kind     string   `json:"kind"` // ratio, int, float, flag, text, choice, version
	Min      float64  `json:"min"`
	Max      float64  `json:"max"`
	Choices  []string `json:"choices"`
	Only     []string `json:"only"`     // versions that know it; empty means all
	Unsure   []string `json:"unsure"`   // versions for which the documentation contradicts itself
	Greedy   bool     `json:"greedy"`   // takes every word up to the next parameter
	Optional bool     `json:"optional"` // may stand without a value
	Help     string   `json:"help"`     // what a value looks like
}

// Load reads a table. An operator may give a newer one than the built-in.
func Load(data []byte) (*Table, error) {
	t := &Table{by: map[string]*Param{}}
	if err := json.Unmarshal(data, t); err != nil {
		return nil, fmt.Errorf("prompt table: %w", err)
	}
	if !slices.Contains(t.Versions, t.Default) || t.MaxLength <= 0 {
		return nil, fmt.Errorf("prompt table: no usable default version or length")
	}
	for i := range t.Params {
		p := &t.Params[i]
		for _, name := range append([]string{p.Name}, p.Aliases...) {
			if t.by[name] != nil {
				return nil, fmt.Errorf("prompt table: %q stands twice", name)
			}
			t.by[name] = p
		}
	}
	return t, nil
}

// Builtin returns the table that is built in.
func Builtin() *Table {
	t, err := Load(midjourneyTable)
	if err != nil {
		panic(err) // the file is part of the program; a test reads it
	}
	return t
}

// Param finds a parameter by name or alias.
func (t *Table) Param(name string) (Param, bool) {
	p, ok := t.by[name]
	if !ok {
		return Param{}, false
	}
	return *p, true
}

// knows reports whether a version has a parameter; sure is false where the documentation contradicts itself.
func (p Param) knows(version string) (known, sure bool) {
	if slices.Contains(p.Unsure, version) {
		return true, false
	}
	return len(p.Only) == 0 || slices.Contains(p.Only, version), true
}
