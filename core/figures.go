package core

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Money is an amount in millionths of a dollar: as an argument of a sentence it is written as its language does, "$0.12" or
// « 0,12 $ ».
type Money int64

// String writes it in English, as Dollars does.
func (m Money) String() string { return Dollars(int64(m)) }

// In writes it in a language.
func (m Money) In(l Lang) string {
	sign, text := "", Dollars(int64(m))
	if m < 0 {
		sign, text = "-", text[1:]
	}
	return sign + l.T("$%s", Figure(text[1:]))
}

// Figure is a number as it is written in English, "0.8": as an argument of a sentence it gets its language's decimal sign.
type Figure string

// In writes it in a language.
func (f Figure) In(l Lang) string { return strings.Replace(string(f), ".", l.decimalSign(), 1) }

// decimalSign stands between whole and part in a language's numbers.
func (l Lang) decimalSign() string { return strings.TrimPrefix(l.T("decimal:."), "decimal:") }

// fraction is a number that is an argument of a sentence: its verb says how many digits it has, the language which sign stands
// before them.
type fraction struct {
	value float64
	sign  string
}

// Format implements fmt.Formatter.
func (f fraction) Format(s fmt.State, verb rune) {
	text := fmt.Sprintf(fmt.FormatString(s, verb), f.value)
	_, _ = s.Write([]byte(strings.Replace(text, ".", f.sign, 1)))
}

// DayOfMonth is the number of a day, as it stands in a date: « 1er » in French.
func (l Lang) DayOfMonth(t time.Time) string {
	if t.Day() == 1 {
		return strings.TrimPrefix(l.T("day:1"), "day:")
	}
	return strconv.Itoa(t.Day())
}
