package rdb

import (
	"reflect"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

// TestEveryFamilyOfKeysHasADecision calls every method of Keys and looks its key up: a new kind of key must say whether
// an export holds it.
func TestEveryFamilyOfKeysHasADecision(t *testing.T) {
	index, byMethod := NewFamilyIndex(), map[string]Family{}
	for _, f := range Families() {
		if f.Method == "" || f.Word == "" || f.Type == 0 {
			t.Errorf("%+v is not complete", f)
		}
		if !f.Kept && f.Why == "" {
			t.Errorf("%s is left out without a reason", f.Method)
		}
		if byMethod[f.Method].Method != "" {
			t.Errorf("%s stands there twice", f.Method)
		}
		if first := index[f.Word]; first.Kept != f.Kept || first.Type != f.Type || first.Names != f.Names {
			t.Errorf("%s and %s share a word and are treated differently", first.Method, f.Method)
		}
		byMethod[f.Method] = f
	}
	keys := reflect.ValueOf(Keys{Prefix: "x"})
	for i := range keys.NumMethod() {
		m := keys.Type().Method(i)
		var args []reflect.Value
		for j := range m.Type.NumIn() - 1 {
			args = append(args, sample(m.Type.In(j+1)))
		}
		key, ok := keys.Method(i).Call(args)[0].Interface().(string)
		if !ok {
			continue
		}
		want, known := byMethod[m.Name]
		if !known {
			t.Errorf("%s builds %s and is not in Families: decide whether an export holds it", m.Name, key)
			continue
		}
		got, tag, ok := index.Of(strings.TrimPrefix(key, "x:"))
		if !ok || tag == "" || got.Word != want.Word || got.Kept != want.Kept || got.Type != want.Type {
			t.Errorf("%s builds %s, which is found as %+v, want %+v", m.Name, key, got, want)
		}
		delete(byMethod, m.Name)
	}
	for name := range byMethod {
		t.Errorf("%s is in Families and builds no key", name)
	}
}

func sample(t reflect.Type) reflect.Value {
	switch t {
	case reflect.TypeFor[core.VersionID]():
		return reflect.ValueOf(core.VersionID{Task: "ACME-1", No: 2})
	case reflect.TypeFor[core.Partition]():
		return reflect.ValueOf(core.Partition("p07"))
	}
	if t.Kind() == reflect.String {
		return reflect.ValueOf("a:b/c.d}e").Convert(t)
	}
	if t.Kind() == reflect.Int {
		return reflect.ValueOf(1).Convert(t)
	}
	return reflect.Zero(t)
}

func TestForeignKeysBelongToNoFamily(t *testing.T) {
	for _, key := range []string{"", "{", "{p07}", "{p07}:", "p07:task:ACME-1", "{p07}:tusk:ACME-1", "task"} {
		if f, _, ok := NewFamilyIndex().Of(key); ok {
			t.Errorf("%q is found as %s", key, f.Method)
		}
	}
}
