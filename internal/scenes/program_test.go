package scenes

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// program is a process of a place, started by the test.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	pid   int // as the host counts
	lines chan string
	ended chan struct{}
	log   *log
}

// log is what a program printed, for messages.
type log struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// start starts a program of testdata by its name (its ending says how), one of the installed ones, or, as "go:NAME", one of goPrograms.
func (p *place) start(name string, args ...string) *program {
	p.t.Helper()
	var env []string
	argv := append([]string{name}, args...)
	source, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		p.t.Fatal(err)
	}
	switch role, isGo := strings.CutPrefix(name, "go:"); {
	case isGo:
		argv[0], env = "/proc/self/exe", []string{roleEnv + "=" + role}
	case filepath.Ext(name) == ".py":
		argv = append([]string{p.path("python3"), "-u", source}, args...)
	case filepath.Ext(name) == ".js":
		argv = append([]string{p.path("node"), source}, args...)
	case filepath.Ext(name) == ".rb":
		argv = append([]string{p.path("ruby"), source}, args...)
	case filepath.Ext(name) == ".php":
		argv = append([]string{p.path("php"), source}, args...)
	case filepath.Ext(name) == ".pl":
		argv = append([]string{p.path("perl"), source}, args...)
	case filepath.Ext(name) == ".java":
		argv = append([]string{p.path("java"), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m", source}, args...)
	default:
		argv[0] = p.path(name)
	}
	return p.exec(env, argv)
}

func (p *place) exec(env, argv []string) *program {
	p.t.Helper()
	g := &program{t: p.t, cmd: exec.Command(argv[0], argv[1:]...), lines: make(chan string, 100), ended: make(chan struct{}), log: &log{}}
	g.cmd.Dir, g.cmd.Env, g.cmd.Stderr = p.dir, append(os.Environ(), env...), g.log
	out, err := g.cmd.StdoutPipe()
	if err == nil {
		_, err = g.cmd.StdinPipe() // open for as long as the program lives
	}
	if err == nil {
		p.do(func() { err = g.cmd.Start() })
	}
	if err != nil {
		p.t.Fatal(err)
	}
	g.pid = g.cmd.Process.Pid
	go g.follow(bufio.NewScanner(out))
	p.programs = append(p.programs, g)
	return g
}

func (g *program) follow(out *bufio.Scanner) {
	for out.Scan() {
		fmt.Fprintln(g.log, out.Text())
		select {
		case g.lines <- out.Text():
		default: // nobody listens
		}
	}
	_ = g.cmd.Wait()
	close(g.ended)
}

// said waits for a line that starts with a word and returns the numbers after it.
func (g *program) said(word string) (numbers []int) {
	g.t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case line := <-g.lines:
			rest, ok := strings.CutPrefix(line, word)
			if !ok || rest != "" && rest[0] != ' ' {
				continue
			}
			for _, field := range strings.Fields(rest) {
				n, err := strconv.Atoi(field)
				if err != nil {
					g.t.Fatal(err)
				}
				numbers = append(numbers, n)
			}
			return numbers
		case <-g.ended:
			g.t.Fatalf("it ended before it said %q:\n%s", word, g.log)
		case <-deadline:
			g.t.Fatalf("it did not say %q:\n%s", word, g.log)
		}
	}
}

// signal sends a signal to the process.
func (g *program) signal(s unix.Signal) {
	g.t.Helper()
	if err := unix.Kill(g.pid, s); err != nil {
		g.t.Fatal(err)
	}
}

// children waits until the process has so many and returns them.
func (g *program) children(n int) (pids []int) {
	g.t.Helper()
	eventually(g.t, patience, 20*time.Millisecond, func() string {
		pids = nil
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", g.pid))
		for _, task := range tasks {
			text, _ := os.ReadFile(task)
			for _, field := range strings.Fields(string(text)) {
				child, _ := strconv.Atoi(field)
				pids = append(pids, child)
			}
		}
		slices.Sort(pids)
		if len(pids) != n {
			return fmt.Sprintf("pid %d has the children %v, want %d", g.pid, pids, n)
		}
		return ""
	})
	return pids
}

// named returns the thread of a process that has a name.
func named(t *testing.T, pid int, name string) int {
	t.Helper()
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/comm", pid))
	for _, path := range paths {
		if text, _ := os.ReadFile(path); strings.TrimSpace(string(text)) == name {
			thread, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			return thread
		}
	}
	t.Fatalf("no thread %q among %v", name, paths)
	return 0
}

// tid turns a thread's number inside the place's process namespace into the host's.
func tid(t *testing.T, pid, inner int) int {
	t.Helper()
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, path := range paths {
		text, _ := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			if numbers := strings.Fields(line); len(numbers) == 3 && numbers[0] == "NSpid:" && numbers[2] == strconv.Itoa(inner) {
				outer, _ := strconv.Atoi(numbers[1])
				return outer
			}
		}
	}
	t.Fatalf("no thread %d among %v", inner, paths)
	return 0
}

// awaitTask waits until a thread is in a state ("S", "R", "T", ...) and, unless that is "", in a kernel function of that name.
func awaitTask(t *testing.T, pid, tid int, state, wchan string) {
	t.Helper()
	eventually(t, patience, 20*time.Millisecond, func() string {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/stat", pid, tid))
		if err != nil {
			return err.Error()
		}
		function, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/wchan", pid, tid))
		after := string(stat[bytes.LastIndexByte(stat, ')')+2:])
		if !strings.HasPrefix(after, state) || wchan != "" && string(function) != wchan {
			return fmt.Sprintf("thread %d of %d is %.1s in %s", tid, pid, after, function)
		}
		return ""
	})
}
