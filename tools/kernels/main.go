// Command kernels runs the tests inside other kernels, under emulation: every kernel package of Debian's suites that can be had. It needs qemu-system-x86_64 and a Debian with apt.
//
// The tests are compiled once. Each kernel boots with a small initramfs that holds them, this host's ss(8) with its libraries, and the kernel's own modules for sock_diag, veth and
// what else they need; /init runs them one after the other and tells the result on the serial line. What a kernel lacks shows as a skip with its reason. Results are kept: the same tests
// do not run again in a kernel in which they passed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	var r runner
	flag.StringVar(&r.cache, "cache", filepath.Join(cacheDir(), "closewait-kernels"), "keeps downloaded kernels")
	suites := flag.String("suites", "bullseye,bookworm,trixie,sid", "Debian suites to take a kernel from")
	packages := flag.String("packages", allPackages(), "packages whose tests are run")
	flag.StringVar(&r.only, "run", "", "run only tests that match")
	flag.BoolVar(&r.again, "again", false, "run also what has passed before, with the same tests")
	flag.DurationVar(&r.limit, "limit", 3*time.Hour, "for each kernel")
	table := flag.String("table", "", "write the table to this file, between its marks")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	results, err := r.run(ctx, strings.Split(*suites, ","), strings.Split(*packages, ","))
	if err == nil && *table != "" {
		err = writeTable(*table, results)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kernels:", err)
		os.Exit(1)
	}
	if failed(results) {
		os.Exit(1)
	}
}

// tiers are the packages whose tests touch the kernel, by what they show.
var tiers = []struct {
	name     string
	packages []string
}{
	{"sock_diag, namespaces, /proc", []string{"inetdiag", "internal/nstest", "internal/netns", "internal/procfs", "internal/sysctl", "internal/sockopt", "internal/unixdiag"}},
	{"BPF", []string{"internal/probe"}},
	{"a whole look, recorded and live", []string{"internal/host", "internal/record"}},
	{"diagnosis, and forecast against the clock", []string{"forecast", "internal/lab"}},
	{"changes", []string{"internal/change", "cmd/closewait"}},
}

// allPackages are those of all tiers, as flag -packages takes them.
func allPackages() string {
	var list []string
	for _, t := range tiers {
		for _, p := range t.packages {
			list = append(list, "./"+p)
		}
	}
	return strings.Join(list, ",")
}

func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return os.TempDir()
	}
	return dir
}
