//go:build !race

package demo

// raceDetector says that tests run with the race detector.
const raceDetector = false
