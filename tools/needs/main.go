// Command needs installs what the tests want beside Go: ss(8), systemd-sysctl(8), sysctl(8) and strace(1), which they compare the answers with, the programs of the scenes
// (internal/scenes), and those named as arguments (gcc, for the race detector; clang-14 and llvm-strip-14, for BPF programs). On Debian and its relatives it does so by itself when it is root; elsewhere it says
// what is missing, and the tests that want it are skipped with that reason. No service is started.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// need is a program, or a file, and the Debian packages it comes with. Both may be patterns of package filepath.
type need struct{ file, packages string }

// always is what `go test ./...` wants. Together with what they depend on these are some 60 packages and 20 MB to fetch, Java and PostgreSQL apart, which
// are five times as much.
var always = []need{
	{"ss", "iproute2"}, {"/lib/systemd/systemd-sysctl", "systemd"}, {"sysctl", "procps"}, {"strace", "strace"},
	{"nginx", "nginx-light"}, {"haproxy", "haproxy"}, {"apache2", "apache2-bin"}, {"lighttpd", "lighttpd"},
	{"gunicorn", "gunicorn"}, {"/usr/lib/python3/dist-packages/requests", "python3-requests"},
	{"uwsgi-core", "uwsgi-core"}, {"/usr/lib/uwsgi/plugins/python3_plugin.so", "uwsgi-plugin-python3"},
	{"node", "nodejs"}, {"ruby", "ruby"}, {"puma", "puma"}, {"php", "php-cli"}, {"php-fpm*", "php-fpm"}, {"perl", "perl"},
	{"java", "openjdk-17-jre-headless"}, {"javac", "openjdk-17-jdk-headless"}, // javac: to run a source file
	{"redis-server", "redis-server"}, {"/usr/lib/postgresql/*/bin/postgres", "postgresql"}, {"psql", "postgresql-client"},
	{"socat", "socat"},
}

// named is what is wanted only where it is asked for.
var named = []need{
	{"gcc", "gcc libc6-dev"}, {"qemu-system-x86_64", "qemu-system-x86"}, {"clang-14", "clang-14"},
	{"qemu-aarch64-static", "qemu-user-static"}, {"qemu-s390x-static", "qemu-user-static"}, {"llvm-strip-14", "llvm-14"},
}

func main() {
	wanted := always
	for _, name := range os.Args[1:] {
		i := slices.IndexFunc(named, func(n need) bool { return n.file == name })
		if i < 0 {
			fmt.Fprintf(os.Stderr, "needs: nothing is known of %q\n", name)
			os.Exit(2)
		}
		wanted = append(slices.Clip(wanted), named[i])
	}
	var missing []string
	for _, n := range wanted {
		if !there(n.file) {
			missing = append(missing, strings.Fields(n.packages)...)
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

// there reports whether a file exists: anywhere a program is looked for, unless its directory is given. Servers are not in everybody's PATH.
func there(file string) bool {
	patterns := []string{file}
	if !filepath.IsAbs(file) {
		patterns = nil
		for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
			patterns = append(patterns, filepath.Join(dir, file))
		}
	}
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		found, _ := filepath.Glob(pattern)
		return len(found) > 0
	})
}

func install(packages []string) error {
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("not root")
	}
	allow, err := forbidServices()
	if err != nil {
		return err
	}
	defer allow()
	if err := run(apt, "update", "-qq"); err != nil {
		return err
	}
	// Another installation may be under way: of the machine itself, after it was started.
	return run(apt, append([]string{"install", "-o", "DPkg::Lock::Timeout=300", "-y", "-qq", "--no-install-recommends"}, packages...)...)
}

// forbidServices keeps packages from starting their services, unless the machine has a policy of its own (/usr/sbin/policy-rc.d, see invoke-rc.d(8)).
func forbidServices() (allow func(), err error) {
	const policy = "/usr/sbin/policy-rc.d"
	file, err := os.OpenFile(policy, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755) //nolint:gosec // it is a script
	if errors.Is(err, os.ErrExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = file.WriteString("#!/bin/sh\nexit 101 # written by closewait's tools/needs for the time of an installation\n")
	if closed := file.Close(); err == nil {
		err = closed
	}
	return func() { _ = os.Remove(policy) }, err
}

func run(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	return cmd.Run()
}
