package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.md")
	if err := os.WriteFile(path, []byte("before\n"+beginMark+"\nold\n"+endMark+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	skipped := map[string]string{"TestX": "x_test.go:3: no moon"}
	err := writeTable(path, []booted{
		{release: "5.10", results: []result{{Package: "inetdiag", Passed: 7, Skipped: skipped}, {Package: "internal/lab", Error: "killed"}}},
		{release: "6.1", results: []result{{Package: "inetdiag", Passed: 8, Failed: map[string]string{"TestY": ""}, Skipped: map[string]string{"TestX": "x_test.go:4: no moon", "TestZ": "no sun"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{
		"before\n" + beginMark, endMark + "\nafter\n", "| tier | package | 5.10 | 6.1 |",
		"`inetdiag` | 7 passed, 1 skipped | 8 passed, **1 failed**, 2 skipped |", "`internal/lab` | 0 passed, **1 failed** | did not run |",
		"* no moon; everywhere: `inetdiag TestX`\n", "* no sun; 6.1: `inetdiag TestZ`\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "old") {
		t.Error("the old table is there still")
	}
	if err := writeTable(path+"none", nil); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
}
