package slack

import (
	"crypto/sha256"
	"regexp"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// A mark signs the title of a file that we share, without anybody seeing it, so that a later try, perhaps of another
// replica, finds what an earlier one made: Slack keeps no field of ours with a file. It is a space, the opening sign and
// 32 bits.
const (
	markDigits = 16
	// Signs without width that no platform trims and no font shows; none of them is white space to Unicode.
	markOpen = "\u2060"
)

func markSigns() [4]string { return [4]string{"\u200b", "\u200c", "\u200d", "\u2060"} }

var markShape = regexp.MustCompile(" ?\u2060[\u200b\u200c\u200d\u2060]{" + strconv.Itoa(markDigits) + "}")

// markOf returns the mark of one part of a delivery; the same for each try.
func markOf(id core.DeliveryID, part int) string {
	sum := sha256.Sum256([]byte(string(id) + "/" + strconv.Itoa(part)))
	var b strings.Builder
	b.WriteString(" " + markOpen)
	for i := range markDigits {
		b.WriteString(markSigns()[sum[i/4]>>(2*(i%4))&3])
	}
	return b.String()
}

// cutMark returns a text without marks, and the last one in the form that markOf gives it; empty when there is none.
func cutMark(text string) (plain, found string) {
	if !strings.Contains(text, markOpen) {
		return text, ""
	}
	if all := markShape.FindAllString(text, -1); len(all) > 0 {
		found = " " + strings.TrimPrefix(all[len(all)-1], " ")
	}
	return markShape.ReplaceAllString(text, ""), found
}
