package discordsim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
)

const commands = "/applications/" + discordsim.DemoBotID + "/commands"

func TestCommandChecks(t *testing.T) {
	_, base := start(t, discordsim.Options{})
	option := func(name string, more ...any) obj {
		o := obj{"type": 3, "name": name, "description": "d"}
		for i := 0; i+1 < len(more); i += 2 {
			o[more[i].(string)] = more[i+1]
		}
		return o
	}
	var many, huge []obj
	for i := range 26 {
		many = append(many, option(fmt.Sprintf("o%d", i)))
	}
	for i := range 25 {
		huge = append(huge, obj{"type": 1, "name": fmt.Sprintf("s%d", i), "description": strings.Repeat("d", 100), "options": []obj{
			option("a", "description", strings.Repeat("d", 100)), option("b", "description", strings.Repeat("d", 100)), option("c", "description", strings.Repeat("d", 100))}})
	}
	tests := []struct {
		name string
		cmd  obj
		ok   bool
	}{
		{"plain", obj{"name": "paint", "description": "d"}, true},
		{"upper case", obj{"name": "Paint", "description": "d"}, false},
		{"space", obj{"name": "paint it", "description": "d"}, false},
		{"menu with space", obj{"name": "Attach to task", "type": 3}, true},
		{"menu with description", obj{"name": "Attach", "type": 3, "description": "d"}, false},
		{"long name", obj{"name": strings.Repeat("n", 33), "description": "d"}, false},
		{"long description", obj{"name": "x", "description": strings.Repeat("d", 101)}, false},
		{"no description", obj{"name": "x"}, false},
		{"26 options", obj{"name": "x", "description": "d", "options": many}, false},
		{"25 options", obj{"name": "x", "description": "d", "options": many[:25]}, true},
		{"too large", obj{"name": "x", "description": "d", "options": huge}, false},
		{"required last", obj{"name": "x", "description": "d", "options": []obj{option("a"), option("b", "required", true)}}, false},
		{"same name", obj{"name": "x", "description": "d", "options": []obj{option("a"), option("a")}}, false},
		{"mixed", obj{"name": "x", "description": "d", "options": []obj{option("a"), {"type": 1, "name": "s", "description": "d"}}}, false},
		{"nested group", obj{"name": "x", "description": "d", "options": []obj{{"type": 2, "name": "g", "description": "d", "options": []obj{{"type": 2, "name": "h", "description": "d"}}}}}, false},
		{"group", obj{"name": "x", "description": "d", "options": []obj{{"type": 2, "name": "g", "description": "d", "options": []obj{{"type": 1, "name": "s", "description": "d", "options": []obj{option("a")}}}}}}, true},
		{"unknown locale", obj{"name": "x", "description": "d", "name_localizations": obj{"xx": "y"}}, false},
		{"locale", obj{"name": "x", "description": "d", "name_localizations": obj{"de": "malen", "id": "lukis"}}, true},
		{"choices and autocomplete", obj{"name": "x", "description": "d", "options": []obj{option("a", "autocomplete", true, "choices", []obj{{"name": "n", "value": "v"}})}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := bot(t, base).do("PUT", commands, []obj{tt.cmd})
			if ok := a.status == 200; ok != tt.ok {
				t.Errorf("%d %s", a.status, a.raw)
			}
			if !tt.ok && a.code() != 50035 {
				t.Errorf("code %d", a.code())
			}
		})
	}
}

func TestCommandLife(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	c := bot(t, base)
	set := []obj{{"name": "paint", "description": "d"}, {"name": "Attach to task", "type": 3}}
	first := c.ok("PUT", commands, set).list
	second := c.ok("PUT", commands, set).list
	if get(first, 0, "id") != get(second, 0, "id") || get(first, 0, "version") != get(second, 0, "version") {
		t.Errorf("the same commands got new ids: %v %v", first, second)
	}
	id := get(first, 0, "id").(string)
	if a := c.ok("POST", commands, obj{"name": "paint", "description": "other"}); a.status != 200 || a.id() != id {
		t.Errorf("upsert: %d %s", a.status, a.raw)
	}
	if a := c.ok("PATCH", commands+"/"+id, obj{"description": "third"}); a.body["description"] != "third" {
		t.Errorf("patch: %s", a.raw)
	}
	c.ok("PUT", "/applications/"+discordsim.DemoBotID+"/guilds/"+discordsim.DemoGuildID+"/commands", []obj{{"name": "here", "description": "d"}})
	if got := len(s.Commands()); got != 3 {
		t.Errorf("%d commands", got)
	}
	c.ok("DELETE", commands+"/"+id, nil)
	if a := c.do("GET", commands+"/"+id, nil); a.code() != 10063 {
		t.Errorf("deleted: %s", a.raw)
	}
	// Creations are counted per day, also of commands that are gone again.
	var last answer
	for i := range 250 {
		if last = c.do("PUT", commands, []obj{{"name": fmt.Sprintf("c%d", i), "description": "d"}}); last.status != 200 {
			break
		}
	}
	if last.code() != 30034 {
		t.Errorf("daily creates: %s", last.raw)
	}
}
