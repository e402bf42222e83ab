package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// The marks between which a document holds the table.
const (
	beginMark = "<!-- begin: go run ./tools/kernels -table -->"
	endMark   = "<!-- end -->"
)

func writeTable(path string, all []booted) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no marks %q and %q", path, beginMark, endMark)
	}
	return os.WriteFile(path, []byte(before+beginMark+"\n"+tabulate(all)+endMark+after), 0o666)
}

// tabulate makes a row for each package of each tier and a column for each kernel: passed, failed, skipped.
func tabulate(all []booted) string {
	var b strings.Builder
	b.WriteString("\n| tier | package |")
	for _, k := range all {
		b.WriteString(" " + k.release + " |")
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(all)) + "\n")
	reasons := map[string][]string{}
	for _, t := range tiers {
		for _, p := range t.packages {
			b.WriteString("| " + t.name + " | `" + p + "` |")
			for _, k := range all {
				b.WriteString(" " + k.of(p).cell() + " |")
				for test, why := range k.of(p).Skipped {
					reasons[why] = append(reasons[why], k.release+" "+p+" "+test)
				}
			}
			b.WriteString("\n")
		}
	}
	return b.String() + skips(reasons)
}

// of returns what became of a package, nothing when it did not run.
func (b *booted) of(path string) *result {
	if i := slices.IndexFunc(b.results, func(r result) bool { return r.Package == path }); i >= 0 {
		return &b.results[i]
	}
	return &result{}
}

func (r *result) cell() string {
	if r.Package == "" {
		return "did not run"
	}
	text := fmt.Sprintf("%d passed", r.Passed)
	if n := len(r.Failed); n > 0 || r.Error != "" {
		text += fmt.Sprintf(", **%d failed**", max(n, 1))
	}
	if n := len(r.Skipped); n > 0 {
		text += fmt.Sprintf(", %d skipped", n)
	}
	return text
}

// skips lists why tests were skipped, and which.
func skips(reasons map[string][]string) string {
	if len(reasons) == 0 {
		return "\n"
	}
	var lines []string
	for why, tests := range reasons {
		slices.Sort(tests)
		_, reason, found := strings.Cut(why, ": ") // file and line
		if !found {
			reason = why
		}
		lines = append(lines, fmt.Sprintf("* %s: %s\n", reason, strings.Join(tests, ", ")))
	}
	slices.Sort(lines)
	return "\nSkipped, and why:\n\n" + strings.Join(lines, "") + "\n"
}
