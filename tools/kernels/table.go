package main

import (
	"fmt"
	"maps"
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
	reasons := map[string]map[string][]string{}
	for _, t := range tiers {
		for _, p := range t.packages {
			b.WriteString("| " + t.name + " | `" + p + "` |")
			for _, k := range all {
				b.WriteString(" " + k.of(p).cell() + " |")
				for test, why := range k.of(p).Skipped {
					if _, reason, found := strings.Cut(why, ": "); found { // file and line
						why = strings.TrimSpace(reason)
					}
					if reasons[why] == nil {
						reasons[why] = map[string][]string{}
					}
					reasons[why][p+" "+test] = append(reasons[why][p+" "+test], k.release)
				}
			}
			b.WriteString("\n")
		}
	}
	return b.String() + skips(reasons, len(all))
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

// skips lists why tests were skipped: by reason, which tests in which kernels.
func skips(reasons map[string]map[string][]string, kernels int) string {
	if len(reasons) == 0 {
		return "\n"
	}
	var b strings.Builder
	b.WriteString("\nSkipped, and why:\n\n")
	for _, why := range slices.Sorted(maps.Keys(reasons)) {
		in := map[string][]string{} // tests by their kernels
		for _, test := range slices.Sorted(maps.Keys(reasons[why])) {
			where := "everywhere"
			if releases := reasons[why][test]; len(releases) < kernels {
				where = strings.Join(releases, ", ")
			}
			in[where] = append(in[where], "`"+test+"`")
		}
		for _, where := range slices.Sorted(maps.Keys(in)) {
			fmt.Fprintf(&b, "* %s; %s: %s\n", why, where, strings.Join(in[where], ", "))
		}
	}
	return b.String() + "\n"
}
