package archtest

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/filter"
	"github.com/closewait/closewait/internal/report"
)

// pages returns the text of every page of documentation, by its path from the root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		paths, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			rel, _ := filepath.Rel("../..", path)
			texts[rel] = string(text)
		}
	}
	for _, name := range []string{"README.md", "docs/architecture.md", "docs/causes.md"} {
		if texts[name] == "" {
			t.Fatalf("no %s among %v", name, slices.Collect(maps.Keys(texts)))
		}
	}
	return texts
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	code    = regexp.MustCompile(`\bCW\d{3}\b`)
)

// TestDocs_links follows every link to a file of the project, and to a heading in it.
func TestDocs_links(t *testing.T) {
	texts := pages(t)
	for name, text := range texts {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := name
			if file != "" {
				target = filepath.Join(filepath.Dir(name), file)
			}
			if _, err := os.Stat(filepath.Join("../..", target)); err != nil {
				t.Errorf("%s links to %s: %v", name, m[1], err)
			} else if anchor != "" && !slices.Contains(anchors(texts[target]), anchor) {
				t.Errorf("%s links to %s: no such heading", name, m[1])
			}
		}
	}
}

// anchors are the names that headings get on the usual hosts of source code: lower case, words joined by hyphens, other signs dropped.
func anchors(text string) (names []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		names = append(names, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z':
				return r
			}
			return -1
		}, strings.ToLower(m[1])))
	}
	return names
}

// TestDocs_codes: pages speak only of codes that the contract has, and docs/causes.md has a heading, with the right name, for each one that this version can
// report, and for no other.
func TestDocs_codes(t *testing.T) {
	names := map[string]string{}
	for i, code := range report.Codes() {
		names[code] = report.CauseNames()[i]
	}
	texts := pages(t)
	for name, text := range texts {
		for _, found := range code.FindAllString(text, -1) {
			if names[found] == "" {
				t.Errorf("%s mentions %s, which is no code", name, found)
			}
		}
	}
	var described []string
	for _, m := range heading.FindAllStringSubmatch(texts["docs/causes.md"], -1) {
		if found := code.FindString(m[1]); found != "" {
			described = append(described, found)
			if !strings.Contains(m[1], names[found]) {
				t.Errorf("docs/causes.md calls %s %q, the contract %q", found, m[1], names[found])
			}
		}
	}
	slices.Sort(described)
	if want := reported(t); !slices.Equal(described, want) {
		t.Errorf("docs/causes.md describes %v, the program reports %v", described, want)
	}
}

// reported are the codes that stand as a whole string in the packages that look and judge.
func reported(t *testing.T) []string {
	t.Helper()
	literal := regexp.MustCompile(`"(CW\d{3})"`)
	found := map[string]struct{}{}
	for _, pattern := range []string{"../diagnose/*.go", "../host/*.go", "../checkup/checkup.go"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range literal.FindAllStringSubmatch(string(text), -1) {
				found[m[1]] = struct{}{}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// TestDocs_rooms: the map of the house shows every room.
func TestDocs_rooms(t *testing.T) {
	text := pages(t)["docs/architecture.md"]
	for _, r := range rooms(t) {
		if !strings.Contains(text, "`"+r.path+"`") {
			t.Errorf("docs/architecture.md does not show `%s`", r.path)
		}
	}
}

// TestDocs_filters: the filters that pages recommend are understood.
func TestDocs_filters(t *testing.T) {
	command := regexp.MustCompile(`closewait (?:ls|when) (?:-[-\w]+ )*'([^'\n]+)'`)
	options := filter.Options{Causes: report.CauseNames(), Codes: report.Codes()}
	for name, text := range pages(t) {
		for _, m := range command.FindAllStringSubmatch(text, -1) {
			if _, err := options.Parse(m[1]); err != nil {
				t.Errorf("%s recommends the filter %q: %v", name, m[1], err)
			}
		}
	}
}
