package slacksim

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestEverythingSurvivesAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slack.jsonl")
	with := func(o *Options) { o.DataFile = path }
	a := newRig(t, with)
	root := a.say(ada, acme, "", "root")
	a.say(ben, acme, root, "reply")
	gone := a.say(ben, acme, root, "gone")
	a.act(Action{As: ben, Do: "delete", Channel: acme, TS: gone})
	a.act(Action{As: ben, Do: "react", Channel: acme, TS: root, Emoji: "eyes"})
	a.act(Action{As: ada, Do: "join", Channel: nobot})
	id := a.upload("a.png", picture(t), obj{"channel_id": acme})
	a.must("chat.postEphemeral", obj{"channel": acme, "user": ada, "text": "psst"})
	a.must("conversations.open", obj{"users": ada})
	a.must("views.publish", obj{"user_id": ada, "view": obj{"type": "home", "blocks": []obj{{"type": "divider"}}}})
	a.must("conversations.join", obj{"channel": nobot})

	// A kill in the middle of a line: the file is taken as it lies there, without Close.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"k":"message","v":{"chan`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	b := newRig(t, with)
	if got, want := b.Messages(acme), a.Messages(acme); !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
	if got := b.Ephemerals(ada); len(got) != 1 || got[0].Text != "psst" {
		t.Fatal(got)
	}
	if _, data, ok := b.FileData(id); !ok || string(data) != string(picture(t)) {
		t.Fatal("file lost")
	}
	if string(b.Home(ada)) != string(a.Home(ada)) {
		t.Fatal("home tab lost")
	}
	if b.must("conversations.info", obj{"channel": nobot})["channel"].(obj)["is_member"] != true {
		t.Fatal("membership lost")
	}
	last := b.Messages(acme)[len(b.Messages(acme))-1].TS
	if next := b.say(ada, acme, "", "after"); next <= last {
		t.Fatal("timestamps went back", last, next)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	c := newRig(t, with)
	if n := len(c.Messages(acme)); n != len(a.Messages(acme))+1 {
		t.Fatal("the torn line spoiled the next one", n)
	}
}

func TestUnwritableDataIsNotAccepted(t *testing.T) {
	r := newRig(t, func(o *Options) { o.DataFile = filepath.Join(t.TempDir(), "d") })
	r.store.f.Close()
	if out := r.api("chat.postMessage", obj{"channel": acme, "text": "x"}); out["error"] != "internal_error" {
		t.Fatal(out)
	}
	r.mu.Lock()
	r.store = nil // nothing is left to close
	r.mu.Unlock()
}
