//go:build race

package wire

// raceDetector makes what reads on one goroutine ten times slower and finds
// nothing there.
const raceDetector = true
