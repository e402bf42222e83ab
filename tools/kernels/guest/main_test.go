package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// output is what a test binary prints with -test.v, with tests that run beside each other.
const output = `=== RUN   TestOne
--- PASS: TestOne (0.00s)
=== RUN   TestTwo
=== RUN   TestTwo/a
=== PAUSE TestTwo/a
=== RUN   TestTwo/b
    two_test.go:7: wrong
=== CONT  TestTwo/a
    two_test.go:9: this test needs a moon
=== NAME  TestTwo/b
    two_test.go:8: and worse
--- FAIL: TestTwo (0.00s)
    --- SKIP: TestTwo/a (0.00s)
    --- FAIL: TestTwo/b (0.00s)
=== RUN   ExampleThree
--- PASS: ExampleThree (0.00s)
FAIL
`

func TestResult_read(t *testing.T) {
	r := result{Failed: map[string]string{}, Skipped: map[string]string{}}
	r.read(bytes.NewBufferString(output))
	want := result{
		Passed: 2, Skipped: map[string]string{"TestTwo/a": "two_test.go:9: this test needs a moon"},
		Failed: map[string]string{"TestTwo": "", "TestTwo/b": "two_test.go:7: wrong\ntwo_test.go:8: and worse"},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
}
