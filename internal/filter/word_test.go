package filter_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/filter"
)

func TestWords_examplesParse(t *testing.T) {
	o := options
	o.Causes, o.Codes = nil, nil
	for _, w := range filter.Words() {
		if _, err := o.Parse(w.Example); err != nil {
			t.Errorf("%s: %v", w.Name, err)
		}
		if !strings.Contains(w.Example, w.Name) || w.Meaning == "" || w.Syntax == "" || w.Group == "" {
			t.Errorf("%s is not fully described: %+v", w.Name, w)
		}
		for _, v := range w.Values {
			if _, err := o.Parse(w.Name + " " + v); err != nil && !strings.Contains(w.Syntax, "COMPARISON") {
				t.Errorf("%s %s: %v", w.Name, v, err)
			}
			if _, err := o.Parse(w.Name + " = " + v); err != nil && w.Name != "state" && w.Name != "exclude" {
				t.Errorf("%s = %s: %v", w.Name, v, err)
			}
		}
	}
}

func TestWords_complete(t *testing.T) {
	var listed []string
	for _, w := range filter.Words() {
		listed = append(append(listed, w.Name), w.Aliases...)
	}
	slices.Sort(listed)
	spellings := filter.Spellings()
	slices.Sort(spellings)
	if !slices.Equal(listed, spellings) {
		t.Errorf("listed %q\nparser %q", listed, spellings)
	}
}
