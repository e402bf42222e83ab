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

// tabulate makes a row for each package and a column for each kernel: passed, failed, skipped.
func tabulate(all []booted) string {
	var b strings.Builder
	var packages []string
	b.WriteString("\n| package |")
	for _, k := range all {
		b.WriteString(" " + k.release + " |")
		for _, r := range k.results {
			if !slices.Contains(packages, r.Package) {
				packages = append(packages, r.Package)
			}
		}
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(all)) + "\n")
	reasons := map[string][]string{}
	for _, p := range packages {
		b.WriteString("| " + p + " |")
		for _, k := range all {
			i := slices.IndexFunc(k.results, func(r result) bool { return r.Package == p })
			if i < 0 {
				b.WriteString(" did not run |")
				continue
			}
			r := k.results[i]
			fmt.Fprintf(&b, " %d passed", r.Passed)
			if n := len(r.Failed); n > 0 || r.Error != "" {
				fmt.Fprintf(&b, ", **%d failed**", max(n, 1))
			}
			if n := len(r.Skipped); n > 0 {
				fmt.Fprintf(&b, ", %d skipped", n)
			}
			b.WriteString(" |")
			for test, why := range r.Skipped {
				reasons[why] = append(reasons[why], k.release+" "+p+" "+test)
			}
		}
		b.WriteString("\n")
	}
	return b.String() + skips(reasons)
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
