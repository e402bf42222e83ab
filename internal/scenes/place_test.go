package scenes

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/nstest"
	"golang.org/x/sys/unix"
)

// patience is how long a scene may take to stand on a busy machine.
const patience = time.Minute

// place is where a scene plays: a network namespace and a process namespace of its own. Whatever was started in it ends with the test, and when the
// test is killed: the first process dies with the thread that started it, and the kernel kills the rest of its namespace.
type place struct {
	t        *testing.T
	first    *exec.Cmd
	dir      string
	jobs     chan func() // run on a thread inside the namespaces
	programs []*program
}

// open makes a place.
func open(t *testing.T) *place {
	t.Helper()
	if os.Geteuid() != 0 {
		nstest.Missing(t, "root")
	}
	dir, err := os.MkdirTemp(os.Getenv(dirEnv), "place-") //nolint:usetesting // TempDir is not for other users
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	p := &place{t: t, dir: dir, jobs: make(chan func())}
	if err == nil {
		entered := make(chan error)
		go p.live(entered)
		err = <-entered
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// live is the thread of the place. It is never unlocked: the runtime ends it with the goroutine, and does not clone others from it meanwhile.
func (p *place) live(entered chan<- error) {
	runtime.LockOSThread()
	err := p.enter()
	if err == nil {
		p.t.Cleanup(p.close)
	}
	entered <- err
	for job := range p.jobs {
		job()
	}
}

func (p *place) enter() error {
	p.first = exec.Command("/proc/self/exe")
	p.first.Env = append(os.Environ(), roleEnv+"=first")
	p.first.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	out, err := p.first.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.first.Start(); err != nil {
		return err
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		return fmt.Errorf("first process: %q %w", line, err)
	}
	for name, kind := range map[string]int{"net": unix.CLONE_NEWNET, "pid": unix.CLONE_NEWPID} {
		ns, err := os.Open(p.proc("ns/" + name))
		if err != nil {
			return err
		}
		err = unix.Setns(int(ns.Fd()), kind)
		ns.Close()
		if err != nil {
			return os.NewSyscallError("setns "+name, err)
		}
	}
	return nil
}

// close ends all processes of the place, the ones that programs have started too: some outlive their parents.
func (p *place) close() {
	_ = p.first.Process.Kill()
	_ = p.first.Wait()
	for _, g := range p.programs {
		<-g.ended
		if p.t.Failed() {
			p.t.Logf("%v (pid %d) printed:\n%s", g.cmd.Args, g.pid, g.log)
		}
	}
	close(p.jobs)
}

// do calls f on the place's thread: sockets it makes and processes it starts are in the place.
func (p *place) do(f func()) {
	done := make(chan struct{})
	p.jobs <- func() { defer close(done); f() }
	<-done
}

// proc is a path below /proc of the first process.
func (p *place) proc(name string) string {
	return filepath.Join("/proc", strconv.Itoa(p.first.Process.Pid), name)
}

// file writes a file for programs of the place and returns its path.
func (p *place) file(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // other users read it
		p.t.Fatal(err)
	}
	return path
}

// run runs a command in the place to its end and returns what it printed.
func (p *place) run(name string, args ...string) string {
	p.t.Helper()
	var out []byte
	var err error
	p.do(func() { out, err = exec.Command(p.path(name), args...).CombinedOutput() })
	if err != nil {
		p.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// path finds a program, also where only root looks for it.
func (p *place) path(name string) string {
	p.t.Helper()
	for _, path := range []string{"/usr/bin/" + name, "/usr/sbin/" + name, "/bin/" + name, "/sbin/" + name, name} {
		if strings.Contains(path, "/") {
			if matches, _ := filepath.Glob(path); len(matches) > 0 {
				return matches[len(matches)-1]
			}
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	nstest.Missing(p.t, name+" (go run ./tools/needs)")
	return ""
}

// dial connects from the test itself. It is a client that does what it is told, and only that.
func (p *place) dial(address string) *net.TCPConn {
	p.t.Helper()
	var conn net.Conn
	var err error
	p.do(func() { conn, err = net.DialTimeout("tcp", address, patience) })
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// ask connects, sends a request and returns the connection.
func (p *place) ask(address, request string) *net.TCPConn {
	p.t.Helper()
	conn := p.dial(address)
	if _, err := conn.Write([]byte(request)); err != nil {
		p.t.Fatal(err)
	}
	return conn
}

// leave is n clients, one after another, that send a request and close at once: the server may find request and FIN together.
func (p *place) leave(n int, address, request string) {
	p.t.Helper()
	for range n {
		p.ask(address, request).Close()
	}
}

// impatient is clients that leave before they are answered: each sends a request, and when the programs have got as far as they do, all close. When that is follows from how many have been
// accepted and read (done), accepted and not read (owned besides done), and not accepted.
func (p *place) impatient(address, request string, done, owned, queued int) table {
	p.t.Helper()
	port := netip.MustParseAddrPort(address).Port()
	var clients []net.Conn
	for range owned + queued {
		clients = append(clients, p.ask(address, request))
	}
	p.await(fmt.Sprintf("port %d: %d accepted and %d of them read, %d queued", port, owned, done, queued), func(t table) bool {
		here := t.at(port, established)
		return len(here.owned()) == owned && len(here.queued()) == queued && len(here.owned().where(func(r row) bool { return r.recvQ == 0 })) == done
	})
	for _, c := range clients {
		c.Close()
	}
	return p.stuck(port, owned, queued)
}

// goesOn does something again and again until the test ends.
func (p *place) goesOn(pause time.Duration, do func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				do()
			}
		}
	}()
	p.t.Cleanup(func() { close(stop); <-stopped })
}

// eventually asks until the answer is "" and fails with the last answer when that takes too long.
func eventually(t *testing.T, limit time.Duration, pause time.Duration, ask func() string) {
	t.Helper()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); ; <-tick.C {
		why := ask()
		if why == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v:\n%s", limit, why)
		}
	}
}
