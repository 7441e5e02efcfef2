package discord

import (
	"strings"
	"testing"
)

func TestFileNamesKeepLettersOfAllScripts(t *testing.T) {
	for name, want := range map[string]string{
		"été à Paris.png":      "été_à_Paris.png",
		"e\u0301te\u0301.png":  "été.png",
		"灯台 2.jpg":             "灯台_2.jpg",
		"../a/b\\c\"d\r\n.zip": "cd__.zip",
		".hidden":              "hidden",
		"?":                    "file",
		"a\xffb.png":           "ab.png",
	} {
		if got := cleanFileName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := cleanFileName(strings.Repeat("é", 200) + ".png"); len(got) > maxFileName || !strings.HasSuffix(got, "é.png") || strings.ContainsRune(got, '\uFFFD') {
		t.Errorf("%q", got)
	}
}
