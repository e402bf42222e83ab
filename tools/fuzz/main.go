// Command fuzz runs every fuzz target of the module for a while, one after the other, and fails if one of them finds something.
//
// The time is that of each target. Targets are found by their names in the test files, so none can be forgotten.
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
	"strings"
)

func main() {
	each := flag.String("time", "30s", "how long to fuzz each target")
	parallel := flag.String("parallel", "2", "how many workers a target gets")
	flag.Parse()
	targets, err := find(".")
	if err != nil || len(targets) == 0 {
		fmt.Fprintf(os.Stderr, "fuzz: find targets: %d found, %v\n", len(targets), err)
		os.Exit(1)
	}
	failed := 0
	for _, t := range targets {
		fmt.Printf("== %s in %s for %s\n", t.name, t.dir, *each)
		if err := t.run(*each, *parallel); err != nil {
			fmt.Printf("== %s in %s: %v\n", t.name, t.dir, err)
			failed++
		}
	}
	fmt.Printf("fuzz: %d targets, %d failed\n", len(targets), failed)
	if failed > 0 {
		os.Exit(1)
	}
}

type target struct{ dir, name string }

// run fuzzes the target. On a busy machine go test can fail with "context deadline exceeded" when the time is up while a worker is in the middle of an
// input. That is no finding: a finding is written to a file.
func (t target) run(each, parallel string) error {
	var said bytes.Buffer
	cmd := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", each, "-parallel", parallel, "./"+t.dir)
	cmd.Stdout, cmd.Stderr = io.MultiWriter(os.Stdout, &said), os.Stderr
	err := cmd.Run()
	late := bytes.Contains(said.Bytes(), []byte("\n    context deadline exceeded\n")) && !bytes.Contains(said.Bytes(), []byte("Failing input"))
	if err != nil && late {
		fmt.Println("== the time was up in the middle of an input; nothing was found")
		return nil
	}
	return err
}

func find(root string) (targets []target, err error) {
	name := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(f \*testing\.F\)`)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range name.FindAllSubmatch(text, -1) {
			targets = append(targets, target{filepath.Dir(path), string(m[1])})
		}
		return err
	})
	return targets, err
}
