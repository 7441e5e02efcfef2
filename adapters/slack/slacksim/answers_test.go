package slacksim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestAnswersUseSlacksFields compares what our Web API answers with what Slack's own SDK recorded: nothing is invented,
// and what an answer is about is there. A recorded answer is the sum of all variants, so ours may have less.
func TestAnswersUseSlacksFields(t *testing.T) {
	dir := os.Getenv("ATELIER_SPECS")
	folder := filepath.Join(dir, "slack", "api")
	if _, err := os.Stat(folder); dir == "" || err != nil {
		t.Skipf("no recorded answers in %q (ATELIER_SPECS)", folder)
	}
	r := newRig(t, nil)
	root := r.say(ada, acme, "", "root")
	file := r.upload("a.png", picture(t), obj{"channel_id": acme})
	own := r.must("chat.postMessage", obj{"channel": acme, "text": "bot"})["ts"]
	for _, row := range []struct {
		method string
		args   obj
		must   []string // what the answer is about
		ours   []string // fields that the records lack, with Slack's documentation as the source
	}{
		{"auth.test", nil, []string{"url", "team_id", "user_id", "bot_id"}, nil},
		{"bots.info", obj{"bot": "B0ATELIER1"}, []string{"bot.id", "bot.app_id", "bot.user_id"}, nil},
		{"chat.getPermalink", obj{"channel": acme, "message_ts": root}, []string{"permalink"}, nil},
		{"chat.postEphemeral", obj{"channel": acme, "user": ada, "text": "psst"}, []string{"message_ts"}, nil},
		{"chat.delete", obj{"channel": acme, "ts": own}, []string{"channel", "ts"}, nil},
		{"conversations.info", obj{"channel": acme}, []string{"channel.id", "channel.is_private", "channel.name"}, []string{"channel.parent_conversation"}},
		{"conversations.join", obj{"channel": nobot}, []string{"channel.id"}, []string{"channel.parent_conversation"}},
		{"conversations.list", nil, []string{"channels.id"}, nil},
		{"conversations.members", obj{"channel": acme}, []string{"members"}, nil},
		{"files.getUploadURLExternal", obj{"filename": "b.png", "length": 3}, []string{"upload_url", "file_id"}, nil},
		{"files.info", obj{"file": file}, []string{"file.id", "file.mimetype", "file.url_private"}, []string{"response_metadata", "response_metadata.next_cursor"}},
		{"reactions.add", obj{"channel": acme, "timestamp": root, "name": "eyes"}, nil, nil},
		{"reactions.remove", obj{"channel": acme, "timestamp": root, "name": "eyes"}, nil, nil},
		{"team.info", nil, []string{"team.id", "team.domain"}, nil},
		{"users.conversations", nil, []string{"channels.id"}, nil},
		{"users.info", obj{"user": ada}, []string{"user.id", "user.profile", "user.tz"}, nil},
		{"users.list", nil, []string{"members.id"}, nil},
	} {
		t.Run(row.method, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(folder, row.method+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var recorded obj
			if err := json.Unmarshal(data, &recorded); err != nil {
				t.Fatal(err)
			}
			theirs, ours := shape{}, shape{}
			theirs.add("", recorded, 1)
			sent, err := json.Marshal(r.must(row.method, row.args))
			if err != nil {
				t.Fatal(err)
			}
			var answer obj
			if err := json.Unmarshal(sent, &answer); err != nil {
				t.Fatal(err)
			}
			ours.add("", answer, 1)
			for k := range ours {
				if !theirs[k] && !slices.Contains(row.ours, k) {
					t.Errorf("Slack has no %s", k)
				}
			}
			for _, k := range append([]string{"ok"}, row.must...) {
				if !ours[k] {
					t.Errorf("the answer has no %s", k)
				}
			}
		})
	}
}
