package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/closewait/closewait/internal/plan"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

// FuzzPlan: a plan is read whole or not at all, only with its own hash and an identifier that names no other file, and nothing in it reaches the terminal but text.
func FuzzPlan(f *testing.F) {
	files, err := filepath.Glob("testdata/plan/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds: ", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if _, err := decodePlan(name, bytes.NewReader(b)); err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := decodePlan("plan.json", bytes.NewReader(b)); err != nil {
			var told *Error
			if !errors.As(err, &told) || told.Message == "" {
				t.Fatalf("%v", err)
			}
		}
		c := &report.Change{}
		if json.Unmarshal(b, c) != nil {
			return
		}
		c.Schema, c.Kind, c.ID = report.Schema, "Change", "00ff" // somebody made the hash anew
		hash, err := plan.Hash(c)
		if err != nil {
			t.Fatal(err)
		}
		c.Hash = &hash
		edited, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodePlan("plan.json", bytes.NewReader(edited))
		if err != nil || *again.Hash != hash {
			t.Fatalf("%v: %s", err, edited)
		}
		var out bytes.Buffer
		if err := render.Plan(&out, again, "", render.Style{Width: 80}); err != nil {
			t.Fatal(err)
		}
		if i := bytes.IndexFunc(out.Bytes(), func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || 0x80 <= r && r < 0xa0 }); i >= 0 {
			t.Fatalf("a control character at %d of %q", i, out.Bytes())
		}
	})
}
