// Command fuzz runs every fuzz target of the module for a while, one after the other, and fails if one of them finds something.
//
// The time is that of each target, by the clock or, with -cpu, by the processor: on a busy machine the clock tells little of what was tried. Targets are found by their names in the test files, so none can be forgotten. With -keep it copies from what former runs have found, which lies in Go's
// cache, the inputs that reach more than those in testdata; with -cover it says how much of the code that the targets enter their inputs in testdata execute.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	each := flag.Duration("time", 30*time.Second, "how long to fuzz each target")
	cpu := flag.Bool("cpu", false, "count the time of the processor, that of all workers")
	parallel := flag.Int("parallel", 2, "how many workers a target gets")
	only := flag.String("only", "", "a regular expression: which targets, of directory.name")
	keep := flag.Bool("keep", false, "put into testdata the inputs in Go's cache that reach more")
	covered := flag.Bool("cover", false, "print how much the inputs in testdata execute")
	flag.Parse()
	targets, err := find(".", *only)
	if err != nil || len(targets) == 0 {
		fmt.Fprintf(os.Stderr, "fuzz: find targets: %d found, %v\n", len(targets), err)
		os.Exit(1)
	}
	do := func(t target) error {
		fmt.Printf("== %s in %s for %v\n", t.name, t.dir, *each)
		if *cpu {
			return t.runCPU(*each, *parallel)
		}
		_, err := t.run(*each, *parallel)
		return err
	}
	switch {
	case *keep:
		do = target.keep
	case *covered:
		do = func(t target) error { return cover(t.dir) }
		targets = slices.CompactFunc(targets, func(a, b target) bool { return a.dir == b.dir })
	}
	failed := 0
	for _, t := range targets {
		if err := do(t); err != nil {
			fmt.Printf("== %s in %s: %v\n", t.name, t.dir, err)
			failed++
		}
	}
	fmt.Printf("fuzz: %d targets, %d failed\n", len(targets), failed)
	if failed > 0 {
		os.Exit(1)
	}
}

// module is the path of this one.
const module = "github.com/closewait/closewait"

type target struct{ dir, name string }

// runCPU fuzzes the target until it has had so much time of the processor: run after run, as how much the clock's time is worth is known after each only.
func (t target) runCPU(want time.Duration, parallel int) error {
	const least = 30 * time.Second // what is shorter is mostly start-up
	for had := time.Duration(0); had < want; {
		used, err := t.run(max((want-had)/time.Duration(parallel), least), parallel)
		if err != nil {
			return err
		}
		had += used
		fmt.Printf("== %s in %s has had %v of the processor\n", t.name, t.dir, had.Round(time.Second))
	}
	return nil
}

// minimize is how often an input that reaches more may be tried shorter. The minute that go test takes otherwise is spent on every such input, and tries nothing new; any time at all costs a new
// worker when it is up.
const minimize = "100x"

// run fuzzes the target, and returns how much of the processor that took. On a busy machine go test can fail with "context deadline exceeded" when the time is up while a worker is in the middle of an
// input. That is no finding: a finding is written to a file.
func (t target) run(each time.Duration, parallel int) (used time.Duration, err error) {
	var said bytes.Buffer
	cmd := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", each.String(), "-fuzzminimizetime", minimize, "-parallel", strconv.Itoa(parallel), "./"+t.dir)
	cmd.Stdout, cmd.Stderr = io.MultiWriter(os.Stdout, &said), os.Stderr
	err = cmd.Run()
	if cmd.ProcessState != nil {
		used = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() // its workers' as well, which it has waited for
	}
	late := bytes.Contains(said.Bytes(), []byte("\n    context deadline exceeded\n")) && !bytes.Contains(said.Bytes(), []byte("Failing input"))
	if err != nil && late {
		fmt.Println("== the time was up in the middle of an input; nothing was found")
		return used, nil
	}
	return used, err
}

// find returns the targets whose directory.name match, those of a directory together.
func find(root, only string) (targets []target, err error) {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	name := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(f \*testing\.F\)`)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range name.FindAllSubmatch(text, -1) {
			if t := (target{filepath.Dir(path), string(m[1])}); wanted.MatchString(t.dir + "." + t.name) {
				targets = append(targets, t)
			}
		}
		return err
	})
	return targets, err
}
