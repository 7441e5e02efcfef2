package review

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-bridge/atelier/core"
)

// TestCommentIsStoredWhole fills every field of a comment, also those that somebody adds later, and each one alone: all
// of it must come back.
func TestCommentIsStoredWhole(t *testing.T) {
	whole := &core.Comment{}
	fill(reflect.ValueOf(whole).Elem(), "x", 4)
	again(t, "a whole comment", whole)
	for i := range reflect.TypeFor[core.Comment]().NumField() {
		alone := &core.Comment{}
		reflect.ValueOf(alone).Elem().Field(i).Set(reflect.ValueOf(whole).Elem().Field(i))
		again(t, "a comment with only "+reflect.TypeFor[core.Comment]().Field(i).Name, alone)
	}
	for name, text := range map[string]core.RichText{
		"plain":     core.Plain("one <line> & \"more\""),
		"lines":     core.Plain("one\n\ntwo\n"),
		"bold":      {core.Para(core.Text("a "), core.Bold("light"))},
		"paras":     {core.Para(core.Text("one")), core.Para(core.Text("two"))},
		"parts":     {core.Para(core.Text("one "), core.Text("two"))},
		"empty":     {core.Para()},
		"newline":   {core.Para(core.Text("one\ntwo"))},
		"code":      {core.Para(core.CodeNode("one"))},
		"separator": core.Plain("one\u2028two\u2029three"),
	} {
		again(t, name, &core.Comment{Text: text})
	}
	for _, id := range []core.IdentityID{"slack:T1/U1", "slack:T2/U1", "slack:T11/U1", "discord:7", ""} {
		for _, room := range []core.RoomID{"slack:T1/C1", "discord:1/2", ""} {
			again(t, fmt.Sprintf("%s in %s", id, room), &core.Comment{Identity: id, Author: core.MakePersonID(id), Source: core.MessageRef{Room: room, ID: "1.1"}})
		}
	}
}

func again(t *testing.T, what string, m *core.Comment) {
	t.Helper()
	m.V, m.Rev = core.RecordVersion, 7
	data, err := encodeComment(m)
	if err != nil || bytes.ContainsRune(data, '\n') {
		t.Fatalf("%s is written as %q: %v", what, data, err)
	}
	back, err := decodeComment("7 "+string(data)+"\nslack:T1/C1 [\"1.1\"]", m.Task, m.ID)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if diff := cmp.Diff(m, back); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

// fill gives everything a value that is not zero.
func fill(v reflect.Value, name string, depth int) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 3, 1, 12, 0, 0, 123456789+len(name), time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), name+v.Type().Field(i).Name, depth)
		}
	case reflect.Slice:
		if depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			for i := range 2 {
				fill(v.Index(i), fmt.Sprint(name, i), depth-1)
			}
		}
	case reflect.Map:
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, name+"k", depth-1)
		fill(elem, name+"v", depth-1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, elem)
	case reflect.String:
		v.SetString(name)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(len(name)) / 8)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name, depth)
	default:
		v.SetInt(int64(len(name)))
	}
}

// TestNewerCommentIsRefused reads a comment that a newer Atelier wrote, and none at all.
func TestNewerCommentIsRefused(t *testing.T) {
	_, err := decodeComment(fmt.Sprintf(`1 {"v":%d}`, core.RecordVersion+1), "ACME-1", "c-1")
	if !errors.Is(err, core.ErrNewerRecord) {
		t.Errorf("a newer record: %v", err)
	}
	if _, err = decodeComment("0 \nslack:T1/C1 [\"1.1\"]", "ACME-1", "c-1"); core.ErrorCode(err) != core.CodeNotFound {
		t.Errorf("placements without a record: %v", err)
	}
	if _, err = decodeComment("what", "ACME-1", "c-1"); core.ErrorCode(err) != core.CodeInternal {
		t.Errorf("a damaged record: %v", err)
	}
}
