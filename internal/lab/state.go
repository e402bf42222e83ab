package lab

import (
	"os"
	"path/filepath"
	"strings"
)

// stateName is the variable that tells a scene where the journal of what is done in it is kept.
const stateName = "CLOSEWAIT_LAB_STATE"

// statePrefix begins the name of such a directory; the mark of its owner and a random part follow.
const statePrefix = "closewait-lab-"

func newState() (string, error) {
	return os.MkdirTemp("", statePrefix+strings.ReplaceAll(MarkOf(os.Getpid()), ":", ".")+".*")
}

// LeftoverStates returns the journals of scenes whose owner has ended.
func LeftoverStates() ([]string, error) {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), statePrefix+"[0-9]*.[0-9]*.*"))
	var left []string
	for _, dir := range dirs {
		parts := strings.SplitN(strings.TrimPrefix(filepath.Base(dir), statePrefix), ".", 3)
		if len(parts) == 3 && orphaned(parts[0]+":"+parts[1]) {
			left = append(left, dir)
		}
	}
	return left, err
}
