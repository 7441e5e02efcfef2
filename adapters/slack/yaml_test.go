package slack

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/atelier-bridge/atelier/core/command"
)

// TestYAML reads what was written with a YAML library: it says the same as the JSON.
func TestYAML(t *testing.T) {
	socket, err := Manifest(command.New(), "", true)
	if err != nil {
		t.Fatal(err)
	}
	installable, err := InstallableManifest(command.New(), "https://atelier.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{socket, installable, []byte(`{"a":[],"b":{},"c":[[1,2],["x: y","- z","#","true","No","1","","a\nb","é <&> \u2028","it's","0x1","~","a #b","x:"]],"d":[{"e":true,"f":{"g":null}}],"h i":1.5}`)} {
		text, err := YAML(data)
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, &got); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		back, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var again any
		if err := json.Unmarshal(back, &again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, again); diff != "" {
			t.Errorf("%s\n%s", text, diff)
		}
	}
	for _, bad := range []string{"", "{", `{"a":`, `[1,`} {
		if _, err := YAML([]byte(bad)); err == nil {
			t.Errorf("%q is written", bad)
		}
	}
}
