package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// store keeps what the last whole run of a package's tests inside a kernel has said, so that a run can be taken up again where it ended.
type store struct{ dir string }

// kept is a result and the tests it is of.
type kept struct {
	Tests  string `json:"tests"` // hash of the compiled tests
	Result result `json:"result"`
}

func (s store) path(suite, release, path string) string {
	return filepath.Join(s.dir, suite, "results", release, strings.ReplaceAll(path, "/", "_")+".json")
}

// load returns what is kept, and whether there is anything.
func (s store) load(suite, release, path string) (k kept, ok bool) {
	b, err := os.ReadFile(s.path(suite, release, path))
	return k, err == nil && json.Unmarshal(b, &k) == nil
}

func (s store) save(suite, release string, k kept) error {
	b, err := json.MarshalIndent(k, "", "\t")
	if err != nil {
		return err
	}
	path := s.path(suite, release, k.Result.Package)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o666)
}

// hash identifies compiled tests.
func hash(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
