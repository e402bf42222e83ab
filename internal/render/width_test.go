package render

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
	"pgregory.net/rapid"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// hostile draws what somebody could name a process to deceive whoever looks at a screen.
func hostile() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z]{1,60}`), rapid.SampledFrom([]string{
		"", "-", "\x1b[2J\x1b[H", "a\nb\tc\r", "\xff\xfe", "\u202egnp.exe", "\u200b", "日本語の名前", "e\u0301\u0301\u0301", "🇩🇪🇫🇷", "👩‍👩‍👧", "\u1100\u1161", "\u009b31m", strings.Repeat("x", 300),
	}))
}

func drawFinding(t *rapid.T) report.Finding {
	name, seconds := hostile(), rapid.Int64Range(-5, 1<<40)
	duration := func() *report.Seconds {
		if rapid.Bool().Draw(t, "known") {
			return report.SecondsOf(time.Duration(seconds.Draw(t, "ns") * 1000))
		}
		return nil
	}
	f := report.Finding{
		ID: name.Draw(t, "id"), Cause: name.Draw(t, "cause"), Count: rapid.IntRange(0, 1<<31-1).Draw(t, "count"),
		Code:      rapid.OneOf(name, rapid.SampledFrom([]string{"CW101", "CW104", "CW105", "CW111", "CW114", "CW201", "CW301", "CW401"})).Draw(t, "code"),
		Severity:  rapid.SampledFrom([]string{"critical", "warning", "info", "other"}).Draw(t, "severity"),
		Processes: []report.Process{{PID: 1 << 22, Comm: name.Draw(t, "comm")}}, Evidence: []string{name.Draw(t, "evidence")},
		Ends: report.Ends{
			Kind: rapid.SampledFrom([]string{"at", "never", "unknown", ""}).Draw(t, "kind"), Reason: name.Draw(t, "reason"),
			Seconds: duration(), EarliestSeconds: duration(), LatestSeconds: duration(), Error: ptr(name.Draw(t, "error")), Limit: &report.Limit{Name: name.Draw(t, "limit"), Value: 1 << 60},
		},
		Age:         report.GroupAge{OldestSeconds: duration(), Kind: rapid.SampledFrom([]string{"exact", "about", "at_least"}).Draw(t, "age")},
		Growth:      &report.Growth{PerMinute: rapid.Float64().Draw(t, "growth"), Kind: "about"},
		FDLimit:     &report.FDLimit{Used: 1, Limit: 2, ReachedAt: ptr(noon.Add(time.Duration(seconds.Draw(t, "reached"))))},
		Culprits:    []report.Culprit{{Comm: ptr(name.Draw(t, "culprit")), What: name.Draw(t, "what"), FD: ptr(1), Peer: &report.Endpoint{Address: name.Draw(t, "address")}}},
		Peers:       []report.Peer{{Address: name.Draw(t, "peer"), Count: 1}},
		Remedies:    []report.Remedy{{Command: name.Draw(t, "command"), Effect: name.Draw(t, "effect")}},
		NotRemedies: []report.NotRemedy{{What: name.Draw(t, "not"), Why: name.Draw(t, "why")}},
	}
	if rapid.Bool().Draw(t, "workload") {
		f.Workload = &report.Workload{Name: name.Draw(t, "name"), Kind: "unit", Unit: ptr(name.Draw(t, "unit"))}
	}
	return f
}

// holds checks what every line of every screen must keep to.
func holds(t *rapid.T, output string, width int) {
	for line := range strings.Lines(output) {
		line = strings.TrimSuffix(line, "\n")
		if w := displaywidth.String(line); w > width {
			t.Fatalf("%d columns of %d: %q", w, width, line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return !safe(r) }) || !utf8.ValidString(line) {
			t.Fatalf("raw characters: %q", line)
		}
	}
}

func TestStatus_never_exceeds_its_width(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := sick()
		r.Host.Name, r.Host.Kernel = hostile().Draw(t, "host"), hostile().Draw(t, "kernel")
		r.Findings = rapid.SliceOfN(rapid.Custom(drawFinding), 0, 6).Draw(t, "findings")
		for range rapid.IntRange(0, 2).Draw(t, "notes") {
			r.Incomplete = append(r.Incomplete, report.Incomplete{Code: hostile().Draw(t, "code"), Message: hostile().Draw(t, "message"), Remedy: hostile().Draw(t, "remedy")})
		}
		side := sidelights()
		side.Nearest.Name = hostile().Draw(t, "nearest")
		style := Style{Width: rapid.IntRange(20, 200).Draw(t, "width"), Height: rapid.SampledFrom([]int{0, 1, 24, 60}).Draw(t, "height"), ASCII: rapid.Bool().Draw(t, "ascii")}
		var b bytes.Buffer
		if err := Status(&b, r, side, style); err != nil {
			t.Fatal(err)
		}
		holds(t, b.String(), style.Width)
		if style.ASCII && !isSafeASCII(strings.ReplaceAll(b.String(), "\n", "")) {
			t.Fatalf("not ASCII: %q", b.String())
		}
	})
}

func TestTable_never_exceeds_its_width(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := someRows(rapid.IntRange(0, 5).Draw(t, "rows"))
		for i := range rows {
			name := hostile().Draw(t, "name")
			rows[i].Processes = []*look.Process{{PID: 7, Comm: name, Workload: look.Workload{Name: name}}}
			rows[i].Code, rows[i].Netns = name, &look.Namespace{Name: hostile().Draw(t, "netns")}
		}
		style := Style{Width: rapid.IntRange(20, 200).Draw(t, "width"), ASCII: rapid.Bool().Draw(t, "ascii")}
		var b bytes.Buffer
		if err := Table(&b, rows, SocketColumns(), true, style); err != nil {
			t.Fatal(err)
		}
		holds(t, b.String(), style.Width)
		if n := strings.Count(b.String(), "\n"); n != len(rows)+1 {
			t.Fatalf("%d lines for %d rows", n, len(rows))
		}
	})
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", "nginx", "\x1b[31m", "\u202e", "\xff", "日本", "e\u0301", "🇩🇪", "\u2028", "\u3164"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean := Clean(text)
		if !utf8.ValidString(clean) || strings.ContainsFunc(clean, func(r rune) bool { return !safe(r) }) {
			t.Fatalf("Clean(%q) = %q", text, clean)
		}
		if Clean(clean) != clean {
			t.Fatalf("Clean changes what it made: %q", clean)
		}
		sum := 0
		for _, r := range clean {
			sum += displaywidth.Rune(r)
		}
		if whole := displaywidth.String(clean); whole > sum {
			t.Fatalf("%q is %d columns wide, its characters %d", clean, whole, sum)
		}
	})
}
