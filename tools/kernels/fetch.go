package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// kernel is an unpacked kernel package.
type kernel struct {
	suite, release string
	dir            string // holds boot/ and lib/modules/
}

// image is where the kernel is: newer packages have it beside its modules.
func (k *kernel) image() string {
	if beside := filepath.Join(k.dir, "usr/lib/modules", k.release, "vmlinuz"); exists(beside) {
		return beside
	}
	return filepath.Join(k.dir, "boot", "vmlinuz-"+k.release)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (k *kernel) modules() string { return filepath.Join(k.dir, "lib", "modules", k.release) }

// apt runs an apt command that sees one suite, whatever this host is configured for, and keeps its state in the cache.
type apt struct{ suite, dir string }

// mirror is where this host takes Debian from.
func mirror() (string, error) {
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*.sources")
	for _, file := range append(files, "/etc/apt/sources.list") {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			for word := range strings.FieldsSeq(line) {
				if strings.HasPrefix(word, "http") && strings.HasSuffix(strings.TrimSuffix(word, "/"), "/debian") {
					return word, nil
				}
			}
		}
	}
	return "", fmt.Errorf("no mirror of Debian in /etc/apt")
}

func (a apt) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, append([]string{
		"-o", "Dir::Etc::sourcelist=" + filepath.Join(a.dir, "sources.list"), "-o", "Dir::Etc::sourceparts=-",
		"-o", "Dir::State::lists=" + filepath.Join(a.dir, "lists"), "-o", "Dir::Cache=" + filepath.Join(a.dir, "cache"), "-qq",
	}, args...)...)
	cmd.Dir, cmd.Stderr = a.dir, os.Stderr
	return cmd
}

func openApt(ctx context.Context, suite, cache string) (apt, error) {
	a := apt{suite, filepath.Join(cache, suite)}
	for _, dir := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, dir), 0o755); err != nil {
			return a, err
		}
	}
	from, err := mirror()
	if err != nil {
		return a, err
	}
	line := fmt.Sprintf("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n", from, suite)
	if err := os.WriteFile(filepath.Join(a.dir, "sources.list"), []byte(line), 0o666); err != nil {
		return a, err
	}
	return a, a.command(ctx, "apt-get", "update").Run()
}

var cloudImage = regexp.MustCompile(`^linux-image-([0-9][^ ]*)-cloud-amd64 `)

// newest returns the release of the suite's newest kernel for virtual machines.
func (a apt) newest(ctx context.Context) (string, error) {
	out, err := a.command(ctx, "apt-cache", "search", "--names-only", "^linux-image-[0-9].*-cloud-amd64$").Output()
	if err != nil {
		return "", err
	}
	var releases []string
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if m := cloudImage.FindStringSubmatch(lines.Text()); m != nil && strings.Count(m[1], ".") >= 2 {
			releases = append(releases, m[1]+"-cloud-amd64")
		}
	}
	if releases == nil {
		return "", fmt.Errorf("suite %s has no cloud kernel", a.suite)
	}
	return slices.MaxFunc(releases, compareReleases), nil
}

// compareReleases orders by the numbers in a release, in turn.
func compareReleases(a, b string) int {
	return slices.Compare(numbers(a), numbers(b))
}

func numbers(s string) (list []int) {
	for _, digits := range regexp.MustCompile(`[0-9]+`).FindAllString(s, -1) {
		n, _ := strconv.Atoi(digits)
		list = append(list, n)
	}
	return list
}

// fetch downloads and unpacks the newest kernel of a suite, unless it is there already.
func fetch(ctx context.Context, suite, cache string) (*kernel, error) {
	a, err := openApt(ctx, suite, cache)
	if err != nil {
		return nil, fmt.Errorf("suite %s: %w", suite, err)
	}
	release, err := a.newest(ctx)
	if err != nil {
		return nil, err
	}
	k := &kernel{suite: suite, release: release, dir: filepath.Join(a.dir, release)}
	if exists(k.image()) {
		return k, nil
	}
	if err := a.unpack(ctx, release, k.dir); err != nil {
		return nil, err
	}
	if !exists(filepath.Join(k.dir, "lib")) { // newer packages have it below usr
		if err := os.Symlink("usr/lib", filepath.Join(k.dir, "lib")); err != nil {
			return nil, err
		}
	}
	if !exists(k.image()) {
		return nil, fmt.Errorf("the packages of %s hold no kernel", release)
	}
	return k, nil
}

// unpack downloads the packages that make up a kernel, one or, since 7.0 or so, several, and unpacks them into a directory.
func (a apt) unpack(ctx context.Context, release, to string) error {
	out, err := a.command(ctx, "apt-cache", "search", "--names-only", "^linux-(image|binary|modules)-"+regexp.QuoteMeta(release)+"$").Output()
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(line, " ")
		if err := a.command(ctx, "apt-get", "download", name).Run(); err != nil {
			return fmt.Errorf("download %s: %w", name, err)
		}
		debs, _ := filepath.Glob(filepath.Join(a.dir, name+"_*.deb"))
		if len(debs) == 0 {
			return fmt.Errorf("%s was not downloaded", name)
		}
		if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", debs[0], to).CombinedOutput(); err != nil {
			return fmt.Errorf("unpack %s: %w: %s", debs[0], err, out)
		}
		if err := os.Remove(debs[0]); err != nil {
			return err
		}
	}
	return nil
}
