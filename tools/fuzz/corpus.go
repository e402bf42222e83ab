package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// coverage is what a run of tests has executed: for each block of a package, by its place, whether and how many statements it has.
type coverage map[string]block

type block struct {
	statements int
	met        bool
}

// readCoverage reads a profile of go test -coverprofile: "file:line.column,line.column statements count".
func readCoverage(path string) (coverage, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := coverage{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue // "mode: set"
		}
		n, err := strconv.Atoi(f[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		c[f[0]] = block{n, f[2] != "0" || c[f[0]].met}
	}
	return c, nil
}

// add reports whether other has met anything that c has not, and adds it.
func (c coverage) add(other coverage) (more bool) {
	for place, b := range other {
		if b.met && !c[place].met {
			c[place], more = b, true
		}
	}
	return more
}

// prober runs inputs of a target one by one.
type prober struct {
	target
	program, work string
}

func (t target) prober(work string) (*prober, error) {
	p := &prober{t, filepath.Join(work, "tests"), work}
	out, err := exec.Command("go", "test", "-c", "-cover", "-o", p.program, "./"+t.dir).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return p, nil
}

// cover runs the inputs whose names match, of those in testdata and those the target adds itself.
func (p *prober) cover(names string) (coverage, error) {
	profile := filepath.Join(p.work, "profile")
	cmd := exec.Command(p.program, "-test.run", "^"+p.name+"$/"+names, "-test.coverprofile", profile)
	cmd.Dir = p.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s in %s: %w: %s", p.name, p.dir, err, out)
	}
	return readCoverage(profile)
}

// keep copies from what fuzzing has found, which lies in Go's cache, those inputs that reach what the target's own do not: the short ones first.
func (t target) keep() error {
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(cache)), "fuzz", module, t.dir, t.name, "*"))
	if err != nil || len(found) == 0 {
		return err
	}
	work, err := os.MkdirTemp("", "closewait-fuzz")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	p, err := t.prober(work)
	if err != nil {
		return err
	}
	reached, err := p.cover("")
	if err != nil {
		return err
	}
	slices.SortFunc(found, func(a, b string) int { return int(size(a) - size(b)) })
	dir, kept := filepath.Join(t.dir, "testdata", "fuzz", t.name), 0
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, input := range found {
		text, err := os.ReadFile(input)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.Base(input))
		if _, err := os.Stat(to); err == nil {
			continue
		}
		if err := os.WriteFile(to, text, 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
		got, err := p.cover("^" + filepath.Base(input) + "$")
		if err == nil && reached.add(got) {
			kept++
			continue
		}
		if err := os.Remove(to); err != nil {
			return err
		}
	}
	_ = os.Remove(dir) // when nothing was kept
	fmt.Printf("%s in %s: %d of %d inputs kept\n", t.name, t.dir, kept, len(found))
	return nil
}

func size(path string) int64 {
	if info, err := os.Stat(path); err == nil {
		return info.Size()
	}
	return 0
}

// share counts the statements of functions, and those of them that were executed.
type share struct{ met, all int }

func (s share) percent() float64 { return 100 * float64(s.met) / float64(s.all) }

// cover prints how much the corpora alone, without any fuzzing, execute of the functions of a package that they enter, and what lacks more than a twentieth.
func cover(dir string) error {
	work, err := os.MkdirTemp("", "closewait-fuzz")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	profile := filepath.Join(work, "profile")
	if out, err := exec.Command("go", "test", "-count=1", "-run", "^Fuzz", "-coverprofile", profile, "./"+dir).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", dir, err, out)
	}
	blocks, err := readCoverage(profile)
	if err != nil {
		return err
	}
	functions, err := blocks.functions()
	if err != nil {
		return err
	}
	var total share
	var lacking []string
	for name, f := range functions {
		if f.met == 0 {
			continue
		}
		total.met, total.all = total.met+f.met, total.all+f.all
		if f.percent() < 95 {
			lacking = append(lacking, fmt.Sprintf("    %5.1f %% of %d in %s\n", f.percent(), f.all, name))
		}
	}
	slices.Sort(lacking)
	fmt.Printf("%s: %.1f %% of %d statements\n%s", dir, total.percent(), total.all, strings.Join(lacking, ""))
	return nil
}

// functions adds up blocks by the functions that they are in.
func (c coverage) functions() (map[string]share, error) {
	list, files := map[string]share{}, map[string][]span{}
	for place, b := range c {
		file, position, _ := strings.Cut(strings.TrimPrefix(place, module+"/"), ":")
		number, _, _ := strings.Cut(position, ".")
		line, err := strconv.Atoi(number)
		if err == nil && files[file] == nil {
			files[file], err = spans(file)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		name := file
		if i := slices.IndexFunc(files[file], func(s span) bool { return s.from <= line && line <= s.to }); i >= 0 {
			name += " " + files[file][i].name
		}
		f := list[name]
		f.all += b.statements
		if b.met {
			f.met += b.statements
		}
		list[name] = f
	}
	return list, nil
}

// span is the lines of a function.
type span struct {
	name     string
	from, to int
}

func spans(file string) (list []span, err error) {
	lines := token.NewFileSet()
	parsed, err := parser.ParseFile(lines, file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			list = append(list, span{f.Name.Name, lines.Position(f.Pos()).Line, lines.Position(f.End()).Line})
		}
	}
	return list, nil
}
