package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

type runner struct {
	cache, only string
	limit       time.Duration
}

// result is what the guest says of one package.
type result struct {
	Package string            `json:"package"`
	Passed  int               `json:"passed"`
	Failed  map[string]string `json:"failed"`
	Skipped map[string]string `json:"skipped"`
	Error   string            `json:"error"`
	Seconds float64           `json:"seconds"`
}

// booted is what became of one kernel.
type booted struct {
	suite, release string
	results        []result
	err            error // it did not come to its end
}

func (r *runner) run(ctx context.Context, suites, packages []string) ([]booted, error) {
	work, err := os.MkdirTemp("", "closewait-kernels")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	tests, err := compile(ctx, work, packages)
	if err != nil {
		return nil, err
	}
	var all []booted
	for _, suite := range suites {
		k, err := fetch(ctx, suite, r.cache)
		if err != nil {
			return all, err
		}
		fmt.Printf("== %s (%s)\n", k.release, k.suite)
		image := filepath.Join(work, "initramfs")
		if err := tests.initramfs(k, image); err != nil {
			return all, err
		}
		all = append(all, r.boot(ctx, k, image))
	}
	return all, nil
}

// boot runs a kernel to its end and prints what it says.
func (r *runner) boot(ctx context.Context, k *kernel, image string) booted {
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	line := "console=ttyS0 quiet panic=-1 tsc=unstable"
	if r.only != "" {
		line += " closewait.run=" + r.only
	}
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048",
		"-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio", "-kernel", k.image(), "-initrd", image, "-append", line)
	cmd.Stderr = os.Stderr
	b := booted{suite: k.suite, release: k.release}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.err = err
		return b
	}
	ended := b.listen(out)
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		b.err = ctx.Err()
	case err != nil:
		b.err = err
	case !ended:
		b.err = fmt.Errorf("the kernel ended before the tests did")
	}
	if b.err != nil {
		fmt.Printf("   %v\n", b.err)
	}
	return b
}

// listen reads the console until it closes, and reports whether the guest came to its end.
func (b *booted) listen(console io.Reader) (ended bool) {
	lines := bufio.NewScanner(console)
	lines.Buffer(nil, 1<<20)
	var last []string
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), "@@")
		if !ok {
			last = append(last[max(0, len(last)-20):], lines.Text())
			continue
		}
		var said struct {
			Release, Note *string
			Result        *result
			End           *string
		}
		if json.Unmarshal([]byte(text), &said) != nil {
			continue
		}
		switch {
		case said.Release != nil:
			b.release = *said.Release
		case said.Note != nil:
			fmt.Printf("   note: %s\n", *said.Note)
		case said.Result != nil:
			b.results = append(b.results, *said.Result)
			said.Result.print()
		case said.End != nil:
			ended = true
		}
	}
	if !ended {
		fmt.Println("   " + strings.Join(last, "\n   "))
	}
	return ended
}

func (r *result) print() {
	fmt.Printf("   %-24s %4d passed, %d failed, %d skipped (%.0f s)\n", r.Package, r.Passed, len(r.Failed), len(r.Skipped), r.Seconds)
	if r.Error != "" {
		fmt.Printf("      %s\n", strings.ReplaceAll(r.Error, "\n", "\n      "))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Failed)) {
		fmt.Printf("      FAIL %s\n         %s\n", name, strings.ReplaceAll(r.Failed[name], "\n", "\n         "))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Skipped)) {
		fmt.Printf("      skip %s: %s\n", name, r.Skipped[name])
	}
}

func failed(all []booted) bool {
	return slices.ContainsFunc(all, func(b booted) bool {
		return b.err != nil || slices.ContainsFunc(b.results, func(r result) bool { return r.Error != "" || len(r.Failed) > 0 })
	})
}
