// Package mark signs what is posted without anybody seeing it, so that a later try, perhaps of another replica, finds
// what an earlier one made. It is for places where a platform keeps no field of ours: the text of Discord's messages,
// the title of Slack's files.
package mark

import (
	"crypto/sha256"
	"regexp"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// Units is how many characters (and UTF-16 units) a mark takes: a space, so that a link before it ends, the opening
// sign and 32 bits.
const Units = 2 + digits

const (
	digits = 16
	// Signs without width that no platform trims and no font shows; none of them is white space to Unicode.
	open = "\u2060"
)

func signs() [4]string { return [4]string{"\u200b", "\u200c", "\u200d", "\u2060"} }

var shape = regexp.MustCompile(" ?\u2060[\u200b\u200c\u200d\u2060]{" + strconv.Itoa(digits) + "}")

// Of returns the mark of one part of a delivery; the same for each try.
func Of(id core.DeliveryID, part int) string {
	sum := sha256.Sum256([]byte(string(id) + "/" + strconv.Itoa(part)))
	var b strings.Builder
	b.WriteString(" " + open)
	for i := range digits {
		b.WriteString(signs()[sum[i/4]>>(2*(i%4))&3])
	}
	return b.String()
}

// Cut returns a text without marks, and the last one in the form that Of gives it; empty when there is none.
func Cut(text string) (plain, found string) {
	if !strings.Contains(text, open) {
		return text, ""
	}
	if all := shape.FindAllString(text, -1); len(all) > 0 {
		found = " " + strings.TrimPrefix(all[len(all)-1], " ")
	}
	return shape.ReplaceAllString(text, ""), found
}
