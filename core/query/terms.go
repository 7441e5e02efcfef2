package query

// Terms of the index that are no words. A word holds only letters and digits, so none of these looks like one.
const (
	// All is a term that every task has.
	All = "all="
	// Gone is a term of deleted tasks.
	Gone = "gone="
	// Private is a term of tasks that were made in a private room.
	Private = "private="
)

// maxTerm bounds a term, in bytes.
const maxTerm = 64

// Key is the term of a field's value, which people may write in any case and without accents.
func Key(field, value string) string { return cut(field + "=" + Fold(value)) }

// ID is the term of a field that holds an id: of a person or a room.
func ID(field, id string) string { return cut(field + "=" + id) }

// Names are the terms of a field that holds somebody's name: one for each of its words.
func Names(field, name string) []string {
	var out []string
	for _, w := range Words(name) {
		out = append(out, field+"~"+w)
	}
	return out
}

func cut(s string) string {
	if len(s) <= maxTerm {
		return s
	}
	n := maxTerm
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
