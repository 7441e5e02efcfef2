package studio

import (
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

func TestStatuses(t *testing.T) {
	got, err := parseStatuses("Open, in  review,changes requested, approved ,retouch:admin")
	if err != nil || len(got) != 5 || got[1].name != core.StatusReview || got[4] != (status{"retouch", core.RoleAdmin}) {
		t.Fatalf("%v %v", got, err)
	}
	for text, wrong := range map[string]string{
		"open, in review, changes requested":                                   "missing",
		"open, open, in review, changes requested, approved":                   "twice",
		"open, in review, changes requested, approved, closed":                 "cannot be a status",
		"open, in review, changes requested, approved, x:boss":                 "no role",
		"open,in review,changes requested,approved," + strings.Repeat("x", 31): "cannot be a status",
	} {
		if _, err := parseStatuses(text); core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(core.SafeMessage(err), wrong) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestStanding(t *testing.T) {
	two := &core.Project{Settings: map[string]string{settingApprovals: "2"}}
	yes, no := core.Verdict{Approved: true}, core.Verdict{}
	for _, c := range []struct {
		verdicts []core.Verdict
		want     core.TaskStatus
	}{
		{[]core.Verdict{yes}, core.StatusReview}, {[]core.Verdict{yes, yes}, core.StatusApproved}, {[]core.Verdict{yes, yes, no}, core.StatusChanges}, {[]core.Verdict{no}, core.StatusChanges},
	} {
		if got := standing(two, &core.Version{Verdicts: c.verdicts}); got != c.want {
			t.Errorf("%v stands as %s, want %s", c.verdicts, got, c.want)
		}
	}
	for _, bad := range []string{"", "0", "-1", "many", "1000"} {
		if n := approvalsNeeded(&core.Project{Settings: map[string]string{settingApprovals: bad}}); n != 1 {
			t.Errorf("%q needs %d approvals", bad, n)
		}
	}
}

func TestWordDiff(t *testing.T) {
	for _, c := range [][4]string{
		{"a lighthouse in the fog", "a lighthouse in the sun", "fog", "sun"}, {"a boat", "a red boat", "", "red"}, {"a red boat", "a boat", "red", ""}, {"", "a boat", "", "a boat"},
		{"one two", "three four", "one two", "three four"}, {"same", "same", "", ""},
	} {
		if gone, come := wordDiff(c[0], c[1]); gone != c[2] || come != c[3] {
			t.Errorf("%q and %q differ by %q and %q", c[0], c[1], gone, come)
		}
	}
}

func TestVersionTree(t *testing.T) {
	var list []*core.Version
	for no, parent := range map[int]int{21: 7, 22: 21, 23: 22, 24: 21} {
		list = append(list, &core.Version{ID: core.VersionID{Task: "ACME-1", No: no}, Parent: core.ImageRef{Version: parent}, Request: core.Request{Op: core.OpVary}, PersonName: "Ada", Provider: "sketch", State: core.JobDone})
	}
	got := versionTree(core.Lang{}, list)
	if lines := strings.Split(got, "\n"); len(lines) != 4 || !strings.HasPrefix(lines[0], "v21 vary of v7") || strings.Count(got, "\n  v2") != 2 || !strings.Contains(got, "\n    v23 ") {
		t.Errorf("the tree is\n%s", got)
	}
}

func TestSpot(t *testing.T) {
	table := command.New()
	for _, c := range []struct {
		text, words string
		spot        *core.Area
		bad         bool
	}{
		{"comment v1.2 @0.4,0.6 too dark", "too dark", &core.Area{X: 0.4, Y: 0.6}, false},
		{"comment v1.2 --area 0.2,0.1,0.6,0.5 too dark", "too dark", &core.Area{X: 0.2, Y: 0.1, W: 0.6, H: 0.5}, false},
		{"comment v1.2 @0.5 too dark", "", nil, true}, {"comment v1.2 @0,4;0,6 too dark", "", nil, true}, {"comment v1.2 @0.4, 0.6 too dark", "", nil, true},
		{"comment v1.2 --area 0.2,0.1,0.6,0.5 @0.4,0.6 x", "", nil, true}, {"comment v1.2 --area 0.2,0.1,0.6,0.5 --point 0.4,0.6 x", "", nil, true},
		{"comment v1.2 @3d-artists look", "@3d-artists look", nil, false}, {"comment v1.2 @2pm, then", "@2pm, then", nil, false},
		{"comment v1.2 @ana, look", "@ana, look", nil, false}, {"comment @0,1 x", "x", &core.Area{X: 0, Y: 1}, false},
		{"comment v1.2 @1.4,0.6 too dark", "", nil, true}, {"comment v1.2 @0.4,x too dark", "", nil, true}, {"comment v1 @-0.1,0.2 x", "", nil, true},
	} {
		inv, err := table.Parse(core.Command{Text: c.text})
		if err != nil {
			t.Fatal(err)
		}
		spot, words, err := spotOf(&call{inv: inv}, inv.Arg("text"))
		if (err != nil) != c.bad || !c.bad && words != c.words || (spot == nil) != (c.spot == nil) || spot != nil && *spot != *c.spot {
			t.Errorf("%q points to %v with %q (%v)", c.text, spot, words, err)
		}
	}
}

func FuzzSpot(f *testing.F) {
	for _, s := range []string{"@0.4,0.6 too dark", "@ana", "@,", "@1e9,NaN x", "@-1,2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		spot, _, err := spotOf(&call{}, s)
		if err != nil && core.ErrorCode(err) != core.CodeInvalid {
			t.Fatalf("%q: %v", s, err)
		}
		if spot != nil && !(spot.X >= 0 && spot.X <= 1 && spot.Y >= 0 && spot.Y <= 1) {
			t.Fatalf("%q points to %v", s, *spot)
		}
	})
}

// TestSheetJudgesAsCardsDo holds the contact sheet to what a card says of the same verdicts.
func TestSheetJudgesAsCardsDo(t *testing.T) {
	yes, no := core.Verdict{Person: "P1", Name: "Ada", Approved: true}, core.Verdict{Person: "P2", Name: "Ben"}
	more := core.Verdict{Person: "P3", Name: "Cleo", Approved: true}
	for _, c := range []struct {
		need     string
		verdicts []core.Verdict
		mark     string
		tone     core.Tone
	}{
		{"", []core.Verdict{yes}, "approved by Ada", core.ToneGood},
		{"", []core.Verdict{no, yes}, "changes: Ben", core.ToneWarn},
		{"2", []core.Verdict{yes}, "1 of 2 approvals", core.ToneNeutral},
		{"2", []core.Verdict{yes, more}, "approved by Ada, Cleo", core.ToneGood},
		{"2", []core.Verdict{yes, more, no}, "changes: Ben", core.ToneWarn},
	} {
		p := &core.Project{Settings: map[string]string{"approvals": c.need}}
		v := &core.Version{Verdicts: c.verdicts}
		if mark, tone := judged(core.Lang{}, p, v); mark != c.mark || tone != c.tone {
			t.Errorf("%s %v: %q, %v", c.need, c.verdicts, mark, tone)
		}
		if got := tone(p, &core.Task{}, v); got != c.tone {
			t.Errorf("%s %v: the card's tone is %v", c.need, c.verdicts, got)
		}
	}
}

func TestStatusesAreOfferedAsCardsNameThem(t *testing.T) {
	s := &Studio{}
	got := matching(statusChoices(core.Lang{Translator: shouting{}}, s.statuses(&core.Project{})), "REV")
	if len(got) != 1 || got[0] != (core.Choice{Label: "IN REVIEW", Value: "in review"}) {
		t.Errorf("%v", got)
	}
}

// shouting is a language that is told from English by its capitals.
type shouting struct{}

func (shouting) Text(_ core.Locale, s string) string                { return strings.ToUpper(s) }
func (shouting) Count(_ core.Locale, _ int, _, other string) string { return strings.ToUpper(other) }
func (shouting) Languages() []core.Locale                           { return []core.Locale{"en"} }

func TestMoneyIsReadWithEitherSign(t *testing.T) {
	for typed, want := range map[string]int64{"20": 20_000_000, "$0.5": 500_000, "0,20": 200_000, "0,5 $": 500_000, "1,000": -1, "1,2,3": -1, "": -1, "-1": -1} {
		got, err := money(typed)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, %v", typed, got, err)
		}
	}
}
