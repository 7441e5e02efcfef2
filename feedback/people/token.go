package people

import (
	"crypto/rand"
	"math/big"
)

// codeLetters leaves out what is misread, and vowels.
const (
	codeLetters = "BCDFGHJKLMNPQRSTVWXZ23456789"
	codeLength  = 8
)

// newToken makes a token of 130 bits, or a code of 38 bits that a person can type; its tries are counted.
func newToken(code bool) (string, error) {
	if !code {
		return rand.Text(), nil
	}
	out := make([]byte, codeLength)
	for i := range out {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(codeLetters))))
		if err != nil {
			return "", err
		}
		out[i] = codeLetters[n.Int64()]
	}
	return string(out[:codeLength/2]) + "-" + string(out[codeLength/2:]), nil
}
