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
	again       bool // also what has passed before
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
		b := booted{suite: k.suite, release: k.release}
		if left := r.left(&b, tests); len(left.paths) > 0 {
			image := filepath.Join(work, "initramfs")
			if err := left.initramfs(k, image); err != nil {
				return all, err
			}
			r.boot(ctx, k, image, &b, left)
		}
		all = append(all, b)
	}
	return all, nil
}

// left returns the tests that are still to be run, and adds the results of those that passed before.
func (r *runner) left(b *booted, tests *suite) *suite {
	left := &suite{dir: tests.dir}
	for i, path := range tests.paths {
		k, ok := store{r.cache}.load(b.suite, b.release, path)
		if ok && !r.again && r.only == "" && k.Tests == tests.hashes[i] && k.Result.Error == "" && len(k.Result.Failed) == 0 {
			b.results = append(b.results, k.Result)
			k.Result.print()
			continue
		}
		left.names, left.paths, left.hashes = append(left.names, tests.names[i]), append(left.paths, path), append(left.hashes, tests.hashes[i])
	}
	return left
}

// clocked makes the guest's clock follow the instructions it has executed, two nanoseconds each, and jump to the next timer when there is nothing to execute. So what it measures does not
// depend on what else this machine is doing, and long waits take no time. That is for one processor: bringing up a second one spins until time has gone by, which goes by only when the
// other one runs.
const clocked = "-accel tcg -icount shift=1,sleep=off -rtc clock=vm -smp 1"

// machine is the rest of it: an old processor without cmpxchg16b, which qemu 7.2 leaves with wrong flags, so that the allocator of 6.12 takes it for done when it is not.
const machine = "-cpu Nehalem,-cx16 -m 2048 -nodefaults -no-reboot -display none -serial stdio"

// boot runs a kernel to its end, and prints and keeps what it says.
func (r *runner) boot(ctx context.Context, k *kernel, image string, b *booted, tests *suite) {
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	line := "console=ttyS0 quiet panic=-1"
	if r.only != "" {
		line += " closewait.run=" + r.only
	}
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", append(strings.Fields(clocked+" "+machine), "-kernel", k.image(), "-initrd", image, "-append", line)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.err = err
		return
	}
	ended := b.listen(out, func(got *result) {
		i := slices.Index(tests.paths, got.Package)
		if i < 0 || r.only != "" {
			return
		}
		if err := (store{r.cache}).save(b.suite, k.release, kept{tests.hashes[i], *got}); err != nil {
			fmt.Printf("   note: %v\n", err)
		}
	})
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
}

// listen reads the console until it closes, hands on each result, and reports whether the guest came to its end.
func (b *booted) listen(console io.Reader, each func(*result)) (ended bool) {
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
			each(said.Result)
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
