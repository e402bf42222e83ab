package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// suite of compiled tests.
type suite struct {
	dir    string   // of the compiled files
	names  []string // of the packages, as file names
	paths  []string // of the packages, below the module
	hashes []string // of the compiled tests of each
}

// compile builds the guest's init, closewait and the tests of packages.
func compile(ctx context.Context, dir string, packages []string) (*suite, error) {
	s := &suite{dir: dir}
	builds := [][]string{
		{"build", "-o", filepath.Join(dir, "init"), "./tools/kernels/guest"},
	}
	for _, p := range packages {
		path := strings.TrimPrefix(p, "./")
		name := strings.ReplaceAll(path, "/", "_") + ".test"
		s.names, s.paths = append(s.names, name), append(s.paths, path)
		builds = append(builds, []string{"test", "-c", "-trimpath", "-o", filepath.Join(dir, name), p})
	}
	for _, args := range builds {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
		}
	}
	for _, name := range s.names {
		h, err := hash(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		s.hashes = append(s.hashes, h)
	}
	return s, nil
}

// wanted are the modules the tests need, where a kernel has them as modules: a dependency before what depends on it. strace asks netlink_diag what it sees a program send.
var wanted = []string{"inet_diag", "tcp_diag", "veth", "dummy", "af_packet", "ipv6", "unix", "unix_diag", "overlay", "netlink_diag"}

// initramfs writes the guest's file system.
func (s *suite) initramfs(k *kernel, to string) (err error) {
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	zip, _ := gzip.NewWriterLevel(file, gzip.BestSpeed)
	a := newArchive(zip)
	s.tests(a)
	if err := userland(a); err != nil {
		return err
	}
	if err := modules(a, k); err != nil {
		return err
	}
	if err := a.close(); err != nil {
		return err
	}
	return zip.Close()
}

// tests puts the compiled tests into the archive, with the files they read.
func (s *suite) tests(a *archive) {
	a.copy(filepath.Join(s.dir, "init"), "init")
	var list []string
	for i, name := range s.names {
		a.copy(filepath.Join(s.dir, name), "tests/"+name)
		a.dir(filepath.Join("src", s.paths[i]))
		if _, err := os.Stat(filepath.Join(s.paths[i], "testdata")); err == nil {
			a.tree(filepath.Join(s.paths[i], "testdata"), filepath.Join("src", s.paths[i], "testdata"))
		}
		list = append(list, name+" "+s.paths[i])
	}
	a.copy("README.md", "src/README.md") // the lab holds what it shows against the program
	a.file("tests/list", 0o644, []byte(strings.Join(list, "\n")+"\n"))
}

// programs are what the tests start. They come from this host with their libraries: only the kernel is another.
var programs = []string{"ss", "ip", "netstat", "sysctl", "/usr/lib/systemd/systemd-sysctl", "setpriv", "unshare", "strace", "/usr/bin/python3", "sh", "sleep", "cat", "env", "true"}

// userland makes the least of a system that programs find their way in.
func userland(a *archive) error {
	for _, dir := range []string{"proc", "sys", "dev", "tmp", "run", "etc", "root", "var/lib", "usr/local", "usr/lib/sysctl.d"} {
		a.dir(dir)
	}
	for _, dir := range []string{"bin", "sbin"} {
		a.link(dir, "usr/"+dir)
	}
	a.file("etc/passwd", 0o644, []byte("root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"))
	a.file("etc/group", 0o644, []byte("root:x:0:\nnogroup:x:65534:\n"))
	for _, name := range programs {
		path, err := exec.LookPath(name)
		if err != nil {
			fmt.Printf("   note: without %s\n", name) // the tests that want it say so
			continue
		}
		if err := withLibraries(a, path); err != nil {
			return err
		}
	}
	python, _ := filepath.Glob("/usr/lib/python3.[0-9]*")
	for _, dir := range python {
		a.tree(dir, dir[1:], "test", "idlelib", "ensurepip", "distutils", "pydoc_data", "__pycache__", "unittest", "tkinter", "lib2to3")
	}
	return a.err
}

// withLibraries copies a program and what ldd(1) says it needs.
func withLibraries(a *archive, path string) error {
	a.copy(path, filepath.Join("usr", strings.TrimPrefix(path, "/usr"))) // bin and sbin are links
	out, err := exec.Command("ldd", path).Output()
	if err != nil {
		return fmt.Errorf("ldd %s: %w", path, err)
	}
	for lines := bufio.NewScanner(strings.NewReader(string(out))); lines.Scan(); {
		for word := range strings.FieldsSeq(lines.Text()) {
			if strings.HasPrefix(word, "/") && !a.dirs[word] {
				a.dirs[word] = true // once
				a.copy(word, strings.TrimPrefix(word, "/"))
			}
		}
	}
	return a.err
}

// modules copies those wanted with their dependencies, and their order of loading.
func modules(a *archive, k *kernel) error {
	text, err := os.ReadFile(filepath.Join(k.modules(), "modules.dep"))
	needs := map[string][]string{} // a module's file and those before it
	paths := map[string]string{}
	if err == nil {
		for line := range strings.Lines(string(text)) {
			path, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
			needs[path] = strings.Fields(rest)
			paths[moduleName(path)] = path
		}
	} else if err := filepath.WalkDir(k.modules(), collect(k, paths)); err != nil { // not made by the package itself
		return err
	}
	var order []string
	for _, name := range wanted {
		path, ok := paths[name]
		if !ok {
			continue // built in, or not there
		}
		for i := len(needs[path]) - 1; i >= 0; i-- {
			order = append(order, needs[path][i])
		}
		order = append(order, path)
	}
	for i, path := range order {
		a.copy(filepath.Join(k.modules(), path), fmt.Sprintf("modules/%02d-%s", i, filepath.Base(path)))
	}
	return a.err
}

func collect(k *kernel, paths map[string]string) func(string, os.DirEntry, error) error {
	return func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(d.Name(), ".ko") {
			return err
		}
		relative, err := filepath.Rel(k.modules(), path)
		paths[moduleName(path)] = relative
		return err
	}
}

func moduleName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}
