// Command fuzz runs every fuzz target of the module for a while, one after the other, and fails if one of them finds something.
//
// The time is that of each target. Targets are found by their names in the test files, so none can be forgotten.
package main

import (
	"flag"
	"fmt"
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
		cmd := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", *each, "-parallel", *parallel, "./"+t.dir)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
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
