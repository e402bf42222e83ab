// Command needs installs what the tests want beside Go: ss(8), systemd-sysctl(8), sysctl(8) and strace(1), which they compare the answers with, and the programs named as arguments (gcc, for the
// race detector). On Debian and its relatives it does so by itself when it is root; elsewhere it says what is missing, and the tests that want them are
// skipped with that reason.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// packages lists the Debian packages of each program.
var packages = map[string][]string{
	"ss": {"iproute2"}, "/lib/systemd/systemd-sysctl": {"systemd"}, "sysctl": {"procps"}, "strace": {"strace"}, "gcc": {"gcc", "libc6-dev"},
	"qemu-system-x86_64": {"qemu-system-x86"},
}

func main() {
	var missing []string
	for _, program := range append([]string{"ss", "/lib/systemd/systemd-sysctl", "sysctl", "strace"}, os.Args[1:]...) {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, packages[program]...)
		}
	}
	if len(missing) == 0 {
		return
	}
	if err := install(missing); err != nil {
		fmt.Fprintf(os.Stderr, "needs: install %v by hand: %v\n", missing, err)
		if os.Getenv("CI") != "" {
			os.Exit(1)
		}
	}
}

func install(packages []string) error {
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("not root")
	}
	if err := run(apt, "update", "-qq"); err != nil {
		return err
	}
	return run(apt, append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...)...)
}

func run(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	return cmd.Run()
}
