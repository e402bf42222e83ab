package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRunner_left: what has passed with the same tests is not run again, anything else is.
func TestRunner_left(t *testing.T) {
	r := runner{cache: t.TempDir()}
	keep := func(tests string, got result) {
		t.Helper()
		if err := (store{r.cache}).save("sid", "9.9", kept{tests, got}); err != nil {
			t.Fatal(err)
		}
	}
	keep("1", result{Package: "a", Passed: 3})
	keep("old", result{Package: "b", Passed: 3})
	keep("3", result{Package: "c/d", Passed: 3, Failed: map[string]string{"TestX": ""}})
	keep("4", result{Package: "e", Error: "killed"})
	tests := &suite{names: []string{"a", "b", "c_d", "e", "f"}, paths: []string{"a", "b", "c/d", "e", "f"}, hashes: []string{"1", "2", "3", "4", "5"}}
	b := booted{suite: "sid", release: "9.9"}
	if left := r.left(&b, tests); !cmp.Equal(left.paths, []string{"b", "c/d", "e", "f"}) || len(left.names) != 4 || len(left.hashes) != 4 || len(b.results) != 1 || b.results[0].Passed != 3 {
		t.Errorf("left %+v, results %+v", left, b.results)
	}
	r.again = true
	if left := r.left(&booted{suite: "sid", release: "9.9"}, tests); len(left.paths) != 5 {
		t.Errorf("with -again %v", left.paths)
	}
}
