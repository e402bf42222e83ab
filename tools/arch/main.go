// Command arch runs decoders and models on other architectures: 32 bits (386, which the machine runs itself) and big-endian (s390x) among them. Foreign programs run under
// emulation (qemu-ARCH-static), where the system calls are this kernel's and not all are there: so the tests are those that ask no kernel.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// emulators run the tests of an architecture; "" is this machine.
var emulators = []struct{ arch, emulator string }{{"386", ""}, {"arm64", "qemu-aarch64-static"}, {"s390x", "qemu-s390x-static"}}

// pure packages ask no kernel at all.
var pure = []string{
	"tcp", "forecast", "internal/checkup", "internal/diagnose", "internal/explain", "internal/filter", "internal/history", "internal/look", "internal/plan", "internal/redact",
	"internal/remedies", "internal/render", "internal/report", "internal/setting",
}

// doors have decoders, whose tests are their fuzz targets with all seeds, and what compares them with recordings.
var doors = []string{"inetdiag", "internal/probe", "internal/procfs", "internal/record", "internal/sysctl"}

func main() {
	failed := false
	for _, e := range emulators {
		for _, group := range []struct {
			packages []string
			run      string
		}{{pure, "^(Test|Fuzz)"}, {doors, "^(TestDecode|Fuzz)"}} {
			if err := test(e.arch, e.emulator, group.run, group.packages); err != nil {
				fmt.Fprintf(os.Stderr, "arch: %s: %v\n", e.arch, err)
				failed = true
			}
		}
	}
	if failed {
		os.Exit(1)
	}
}

func test(arch, emulator, run string, packages []string) error {
	args := []string{"test", "-run", run, "-skip", "^TestKernel"}
	if emulator != "" {
		args = append(args, "-exec", emulator)
	}
	for _, p := range packages {
		args = append(args, "./"+p)
	}
	fmt.Printf("== GOARCH=%s go %s\n", arch, strings.Join(args[:len(args)-len(packages)], " "))
	cmd := exec.Command("go", args...)
	cmd.Env = append(slices.Clip(os.Environ()), "GOARCH="+arch, "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
