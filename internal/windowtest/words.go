package windowtest

import (
	"bufio"
	"bytes"
	"strings"
)

// Trouble returns the lines of a till's error output that tell of a mistake in
// the program: a call on the wrong thread, a data race, a crash.
func Trouble(stderr []byte) []string {
	signs := []string{
		"Error in Fyne call thread",
		"not been migrated to the fyne.Do",
		"WARNING: DATA RACE",
		"panic:",
		"fatal error:",
		"checkptr:",
		"goroutine leak",
	}
	var found []string
	lines := bufio.NewScanner(bytes.NewReader(stderr))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		for _, sign := range signs {
			if strings.Contains(lines.Text(), sign) {
				found = append(found, lines.Text())
				break
			}
		}
	}
	return found
}

// Checked reports whether a till was built so that Fyne's thread checker
// speaks: a release build has not even its sentences.
func Checked(binary []byte) bool {
	return bytes.Contains(binary, []byte("Error in Fyne call thread"))
}
