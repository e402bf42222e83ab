package filter_test

import (
	"errors"
	"testing"

	"github.com/closewait/closewait/internal/filter"
)

func FuzzParse(f *testing.F) {
	for _, c := range accepted {
		f.Add(c.text)
	}
	for _, text := range rejected {
		f.Add(text)
	}
	if len(accepted) == 0 || len(rejected) == 0 {
		f.Fatal("no seeds")
	}
	rows := []func(string) bool{matcher(f, "leaking"), matcher(f, "listening")}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := options.Parse(text)
		if err != nil {
			checkError(t, text, err)
			return
		}
		printed := parsed.String()
		again, err := options.Parse(printed)
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, printed, err)
		}
		if again.String() != printed || !filter.Same(parsed, again) {
			t.Fatalf("%q is printed as %q and then as %q", text, printed, again)
		}
		for _, matches := range rows {
			if matches(text) != matches(printed) {
				t.Fatalf("%q and %q differ", text, printed)
			}
		}
	})
}

// matcher returns whether a filter matches a row; the filter must parse.
func matcher(tb testing.TB, name string) func(string) bool {
	row := leaking()
	if name == "listening" {
		row = listening()
	}
	return func(text string) bool {
		parsed, err := options.Parse(text)
		if err != nil {
			tb.Fatal(err)
		}
		if parsed.Match(row) && !inLimits(parsed, row.Socket) {
			panic("a match outside of the limits: " + text)
		}
		return parsed.Match(row)
	}
}

// checkError expects an error that points into the text.
func checkError(t *testing.T, text string, err error) {
	syntax, ok := errors.AsType[*filter.SyntaxError](err)
	switch {
	case !ok:
		t.Fatalf("%q: %v is no syntax error", text, err)
	case syntax.Text != text || syntax.Offset < 0 || syntax.Length < 0 || syntax.Offset+syntax.Length > len(text):
		t.Fatalf("%q: the error points at %d, %d", text, syntax.Offset, syntax.Length)
	case syntax.Message == "" || syntax.Error() == "":
		t.Fatalf("%q: the error says nothing", text)
	}
}
