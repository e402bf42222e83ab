package report_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/report"
)

// TestEscape: the value stays what it was, and nothing is left that is not seen.
func TestEscape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"\x7f", "\u009b2J", "a\u202eb\u2066", "\U000e0041", "\ufeffx\u00ad", "日本é", "\xff\x9b"})).Draw(t, "text") +
			rapid.SampledFrom([]string{"", "\u009b", "\U000e0001\u200b"}).Draw(t, "end")
		plain, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var want, got string
		escaped := report.Escape(plain)
		if json.Unmarshal(plain, &want) != nil || json.Unmarshal(escaped, &got) != nil || got != want {
			t.Fatalf("%q became %q", want, got)
		}
		if i := bytes.IndexFunc(escaped, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }); i >= 0 {
			t.Fatalf("%q at %d", escaped, i)
		}
	})
}
