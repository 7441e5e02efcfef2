//go:build race

package sketch

// side is small under the race detector, which makes drawing ten times slower and looks at nothing else.
const side = 256
