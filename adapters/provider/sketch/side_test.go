//go:build !race

package sketch

// side is the size at which tests draw: the real one.
const side = fullSide
