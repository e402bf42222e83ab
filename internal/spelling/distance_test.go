package spelling_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/spelling"
)

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"ls", "ls", 0}, {"", "ls", 2}, {"lss", "ls", 1}, {"sl", "ls", 1}, {"stauts", "status", 1}, {"dprot", "dport", 1}, {"closewait", "close-wait", 1},
		{"abc", "xyz", 3}, {"ca", "abc", 3},
	} {
		if got := spelling.Distance(test.a, test.b); got != test.want {
			t.Errorf("%q to %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
	word := rapid.StringMatching(`[a-d]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		d := spelling.Distance(a, b)
		if d != spelling.Distance(b, a) || d > max(len(a), len(b)) || d < max(len(a), len(b))-min(len(a), len(b)) || (d == 0) != (a == b) {
			t.Fatalf("%q to %q: %d", a, b, d)
		}
	})
}
