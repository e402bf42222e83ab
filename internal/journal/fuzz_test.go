package journal

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/report"
)

// FuzzDecode: whatever a file holds, what is read from it can be written and read again, and its first line alone says the same.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds: ", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"kind":"Result","id":"00ff"}`)) // a document of another kind
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = decodeHead(b)
		entry, err := decode(b)
		if err != nil {
			return
		}
		entry.Steps = append([]report.StepResult{}, entry.Steps...) // null is what nobody writes
		head, err := encodeHead(entry)
		if err != nil {
			t.Fatal(err)
		}
		written := append(bytes.Clone(head), encodeSteps(entry.Steps).text...)
		again, err := decode(written)
		if err != nil {
			t.Fatalf("%v: %q", err, written)
		}
		if diff := cmp.Diff(document(t, entry), document(t, again)); diff != "" {
			t.Fatalf("written and read again: %s", diff)
		}
		first, err := decodeHead(written)
		if err != nil {
			t.Fatalf("%v: %q", err, head)
		}
		entry.Steps = first.Steps
		if diff := cmp.Diff(document(t, entry), document(t, first)); diff != "" {
			t.Fatalf("its first line: %s", diff)
		}
	})
}

// document is an entry as others read it.
func document(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
