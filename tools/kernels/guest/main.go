// Command guest is /init of an emulated kernel: it loads modules, runs compiled tests and tells their results on the console, each in a line that begins with "@@".
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/stage"
)

// result is what became of the tests of one package, as tools/kernels reads it.
type result struct {
	Package string            `json:"package"`
	Passed  int               `json:"passed"`
	Failed  map[string]string `json:"failed"`  // by test: its output
	Skipped map[string]string `json:"skipped"` // by test: why
	Error   string            `json:"error"`   // of running them at all
	Seconds float64           `json:"seconds"`
}

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: this is the init of tools/kernels, not a command")
		os.Exit(2)
	}
	for _, err := range prepare() {
		say("note", err.Error())
	}
	say("release", release())
	for _, line := range list() {
		name, dir, _ := strings.Cut(line, " ")
		say("result", test(name, dir))
	}
	say("end", "")
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}

func say(kind string, value any) {
	b, err := json.Marshal(map[string]any{kind: value})
	if err != nil {
		panic(err)
	}
	fmt.Printf("@@%s\n", b)
}

// prepare mounts what programs expect and loads the modules. What fails is a note: the tests show whether it matters.
func prepare() (errs []error) {
	for _, m := range [][3]string{{"proc", "/proc", "proc"}, {"sys", "/sys", "sysfs"}, {"dev", "/dev", "devtmpfs"}, {"tmp", "/tmp", "tmpfs"}, {"run", "/run", "tmpfs"}} {
		if err := unix.Mount(m[0], m[1], m[2], 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			errs = append(errs, fmt.Errorf("mount %s: %w", m[1], err))
		}
	}
	if err := unix.Mount("cgroup", "/sys/fs/cgroup", "cgroup2", 0, ""); err != nil {
		errs = append(errs, fmt.Errorf("mount cgroup2: %w", err))
	}
	if err := errors.Join(os.MkdirAll("/dev/pts", 0o755), unix.Mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0666")); err != nil { // for tests that need a terminal
		errs = append(errs, fmt.Errorf("mount devpts: %w", err))
	}
	_ = os.Symlink("/proc/self/fd", "/dev/fd")
	files, _ := filepath.Glob("/modules/*")
	for _, file := range files {
		if err := load(file); err != nil && !errors.Is(err, unix.EEXIST) {
			errs = append(errs, fmt.Errorf("load %s: %w", filepath.Base(file), err))
		}
	}
	if err := stage.SetUp("lo"); err != nil { // as on any host
		errs = append(errs, err)
	}
	_ = os.WriteFile("/proc/sys/kernel/printk", []byte("1"), 0)
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1024, Max: 65536})
	os.Setenv("PATH", "/usr/bin:/usr/sbin")
	os.Setenv("HOME", "/root")
	os.Setenv("LANG", "C.UTF-8")
	return errs
}

// load loads a module, which the kernel unpacks itself where it is compressed (since 5.17).
func load(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	flags := 0
	if !strings.HasSuffix(path, ".ko") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	return unix.FinitModule(int(f.Fd()), "", flags)
}

func release() string {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(b))
}

func list() (lines []string) {
	b, err := os.ReadFile("/tests/list")
	if err != nil {
		say("note", err.Error())
	}
	for line := range strings.Lines(string(b)) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

// argument returns what the kernel's command line says of a name.
func argument(name string) string {
	line, _ := os.ReadFile("/proc/cmdline")
	for word := range strings.FieldsSeq(string(line)) {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			return value
		}
	}
	return ""
}

// leftOut are tests that start the program thousands of times, which takes hours under emulation, and ask how it bears faults and haste, not what the kernel does.
const leftOut = "([Ff]aults|Killed|_churn|FullDisk)$"

func test(name, dir string) result {
	r := result{Package: dir, Failed: map[string]string{}, Skipped: map[string]string{}}
	args := []string{"-test.v", "-test.timeout", "30m", "-test.skip", leftOut}
	if only := argument("closewait.run"); only != "" {
		args = append(args, "-test.run", only)
	}
	cmd := exec.Command("/tests/"+name, args...)
	cmd.Dir = filepath.Join("/src", dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	err := cmd.Run()
	r.Seconds = time.Since(began).Seconds()
	r.read(&out)
	if err != nil && len(r.Failed) == 0 {
		r.Error = err.Error() + "\n" + tail(out.String())
	}
	return r
}

// Lines of -test.v: whose output follows, and what became of a test.
var (
	heading = regexp.MustCompile(`^=== (?:RUN|NAME|CONT|PAUSE) +([^ ]+)`)
	verdict = regexp.MustCompile(`^ *--- (PASS|FAIL|SKIP): ([^ ]+)`)
)

// read counts the verdicts of -test.v and keeps what the tests that did not pass had to say.
func (r *result) read(out *bytes.Buffer) {
	said := map[string]string{}
	current := ""
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if m := heading.FindStringSubmatch(line); m != nil {
			current = m[1]
			continue
		}
		if m := verdict.FindStringSubmatch(line); m != nil {
			r.count(m[2], m[1])
			current = m[2]
			continue
		}
		said[current] += strings.TrimSpace(line) + "\n"
	}
	for _, list := range []map[string]string{r.Failed, r.Skipped} {
		for name := range list {
			list[name] = tail(strings.TrimSpace(said[name]))
		}
	}
}

func (r *result) count(test, kind string) {
	switch kind {
	case "PASS":
		r.Passed++
	case "FAIL":
		r.Failed[test] = ""
	case "SKIP":
		r.Skipped[test] = ""
	}
}

// tail is the end of a text, where the reason stands.
func tail(s string) string { return s[max(0, len(s)-2000):] }
