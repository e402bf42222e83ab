package procfs_test

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/procfs"
)

// waits are programs that wait in a known way, in Python because its standard library makes exactly the call it is asked for.
var waits = map[string]struct {
	program string
	want    look.Call
}{
	"read":    {"r,w=os.pipe(); say(r); os.read(r,1)", look.Call{Kind: look.CallRead, Name: "read", OwnPipe: true}},
	"read 2":  {"r,w=os.pipe(); p,q=os.pipe()\nif os.fork()==0: os.close(r); os.close(q); os.read(p,1); os._exit(0)\nos.close(w); say(r); os.read(r,1)", look.Call{Kind: look.CallRead, Name: "read"}},
	"recv":    {"a,b=socket.socketpair(); say(a.fileno()); a.recv(1)", look.Call{Kind: look.CallRead, Name: "recvfrom"}},
	"accept":  {"s=socket.socket(); s.listen(); say(s.fileno()); s.accept()", look.Call{Kind: look.CallAccept, Name: "accept4"}},
	"write":   {"r,w=os.pipe(); say(w); os.write(w,b'x'*(1<<20))", look.Call{Kind: look.CallWrite, Name: "write", OwnPipe: true}},
	"splice":  {"r,w=os.pipe(); a,b=socket.socketpair(); say(a.fileno())\nwhile True: os.write(w,b'x'*4096); os.splice(r,a.fileno(),4096)", look.Call{Kind: look.CallWrite, Name: "splice"}},
	"epoll":   {"r,w=os.pipe(); e=select.epoll(); e.register(r,select.EPOLLIN); say(e.fileno()); e.poll()", look.Call{Kind: look.CallPoll}},
	"poll":    {"r,w=os.pipe(); p=select.poll(); p.register(r,select.POLLIN); say(r); p.poll()", look.Call{Kind: look.CallPoll, Watches: []look.Watch{{Events: 1}}}},
	"select":  {"r,w=os.pipe(); say(r); select.select([r],[],[])", look.Call{Kind: look.CallPoll, Watches: []look.Watch{{Events: 1}}}},
	"sleep":   {"say(0); time.sleep(60)", look.Call{Kind: look.CallSleep, Left: time.Minute}},
	"sleep 2": {"say(0); select.select([],[],[],60)", look.Call{Kind: look.CallSleep, Left: time.Minute}},
	"epoll 2": {"r,w=os.pipe(); e=select.epoll(); e.register(r,select.EPOLLIN); say(e.fileno()); e.poll(60)", look.Call{Kind: look.CallPoll, Left: time.Minute}},
	"poll 2":  {"r,w=os.pipe(); p=select.poll(); p.register(r,select.POLLIN); say(r); p.poll(60000)", look.Call{Kind: look.CallPoll, Left: time.Minute, Watches: []look.Watch{{Events: 1}}}},
	"lock 2":  {"say(0); l=threading.Lock(); l.acquire(); l.acquire(timeout=60)", look.Call{Kind: look.CallLock, Left: time.Minute}},
	"lock":    {"say(0); l=threading.Lock(); l.acquire(); l.acquire()", look.Call{Kind: look.CallLock}},
	"child":   {"r,w=os.pipe()\nif os.fork()==0: os.close(w); os.read(r,1); os._exit(0)\nsay(0); os.wait()", look.Call{Kind: look.CallChild}},
	"child 2": {"r,w=os.pipe()\np=os.fork()\nif p==0: os.close(w); os.read(r,1); os._exit(0)\nsay(0); os.waitpid(p,0)", look.Call{Kind: look.CallChild, Child: 1}},
	"child 3": {"r,w=os.pipe()\np=os.fork()\nif p==0: os.close(w); os.read(r,1); os._exit(0)\nsay(0); os.waitid(os.P_PID,p,os.WEXITED)", look.Call{Kind: look.CallChild, Child: 1}},
	"linger":  {"s=socket.create_server(('127.0.0.1',0)); p=socket.create_connection(s.getsockname()); c=s.accept()[0]; c.setblocking(False)\ntry:\n while c.send(b'x'*65536): pass\nexcept BlockingIOError: c.setblocking(True)\nc.setsockopt(socket.SOL_SOCKET,socket.SO_LINGER,b'\\1\\0\\0\\0\\74\\0\\0\\0'); say(0); c.close()", look.Call{Kind: look.CallLinger, Name: "close"}},
	"busy":    {"say(0)\nwhile True: pass", look.Call{Kind: look.CallNone}},
}

func TestFS_Activity(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("this test needs python3: ", err)
		}
		t.Skip("this test needs python3: ", err)
	}
	for name, test := range waits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pid, fd := start(t, python, test.program)
			want := test.want
			want.FD = -1
			if len(want.Watches) > 0 {
				want.Watches = []look.Watch{{FD: fd, Events: 1}}
			} else if fd > 0 {
				want.FD = fd
			}
			var got look.Call
			deadline := time.Now().Add(10 * time.Second)
			for tick := time.Tick(10 * time.Millisecond); ; <-tick {
				a, err := procfs.New("/proc").Activity(pid, 64, procfs.NewCommon())
				if err != nil || len(a.Threads) != 1 || a.Threads[0].TID != pid || a.ThreadCount != 1 {
					t.Fatalf("%+v, %v", a, err)
				}
				if got = a.Threads[0].First.Call; asExpected(&want, &got) && (a.Threads[0].First.State == 'R') == (want.Kind == look.CallNone) {
					p, err := procfs.New("/proc").Process(pid)
					if err != nil {
						t.Fatal(err)
					}
					p.Activity = a
					if err := procfs.New("/proc").ActivityAgain(p); err != nil {
						t.Error(err)
					}
					if again := a.Threads[0].Again.Call; !again.Same(&got) {
						t.Errorf("then %+v, first %+v", again, got)
					}
					return
				}
				if time.Now().After(deadline) {
					if channel := a.Threads[0].First.Channel; want.Kind == look.CallLinger && channel == "" && nstest.Before(t, 5, 16) {
						t.Skip("kernels before 5.16 without frame pointers do not say where a thread sleeps: ", got)
					}
					t.Fatalf("got %+v, want %+v", got, want)
				}
			}
		})
	}
}

// asExpected compares what does not depend on the architecture and the version of Python.
func asExpected(want, got *look.Call) bool {
	if want.Left > 0 && (got.Left > want.Left || got.Left < want.Left-20*time.Second) {
		return false
	}
	if want.Left == 0 && got.Left != 0 {
		return false
	}
	watches := func(a, b look.Watch) bool { return a.FD == b.FD && a.Events == b.Events && b.Inode != 0 } // all are pipes
	if want.OwnPipe && got.Pipe == 0 || (got.Child != 0) != (want.Child != 0) {
		return false
	}
	return want.Kind == got.Kind && want.FD == got.FD && want.OwnPipe == got.OwnPipe && slices.EqualFunc(want.Watches, got.Watches, watches) && (want.Name == "" || want.Name == got.Name)
}

// start runs a program until it has said which descriptor it waits on.
func start(t *testing.T, python, program string) (pid, fd int) {
	t.Helper()
	cmd := exec.Command(python, "-c", "import os,socket,select,time,threading\nsay=lambda fd: os.write(1,b'%d\\n' % fd)\n"+program)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	for _, digit := range strings.TrimSpace(line) {
		fd = 10*fd + int(digit-'0')
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid, fd
}

// TestFS_Activity_resting: of threads that sleep it is told since when, never too long. What a hypervisor or interrupts take of the processors is
// missing in it, hence no lower bound.
func TestFS_Activity_resting(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("this test needs python3; TestFS_Activity fails without it in CI: ", err)
	}
	if _, err := os.Stat("/proc/self/sched"); err != nil {
		t.Skip("the kernel does not tell when a task last ran: ", err)
	}
	begin := time.Now()
	pid, _ := start(t, python, "import time\nfor i in range(3): threading.Thread(target=time.sleep, args=(60,)).start()\ntime.sleep(0.2); say(0); time.sleep(60)")
	a, err := procfs.New("/proc").Activity(pid, 64, procfs.NewCommon())
	if err != nil || len(a.Threads) != 4 {
		t.Fatalf("%+v, %v", a, err)
	}
	known := 0
	for _, thread := range a.Threads {
		if thread.Resting > time.Since(begin) {
			t.Errorf("thread %d has not run for %v, and was started after %v", thread.TID, thread.Resting, begin)
		}
		if thread.Resting > 0 {
			known++
		}
	}
	if known == 0 { // a processor that is busy may be left out
		t.Errorf("known of no thread: %+v", a.Threads)
	}
}

func TestFS_Activity_gone(t *testing.T) {
	if _, err := procfs.New("/proc").Activity(1<<30, 1, procfs.NewCommon()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a process that does not exist: %v", err)
	}
}

func TestFS_Epoll(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("this test needs python3; TestFS_Activity fails without it in CI: ", err)
	}
	pid, epoll := start(t, python, `a,b=socket.socketpair(); e=select.epoll(); e.register(a,select.EPOLLIN); e.register(b,select.EPOLLIN|select.EPOLLONESHOT); a.send(b'x')
e.poll(); say(e.fileno()); time.sleep(60)`)
	set, err := procfs.New("/proc").Epoll(pid, epoll)
	if err != nil || len(set.Watches) != 2 {
		t.Fatalf("%+v, %v", set, err)
	}
	for _, w := range set.Watches {
		if fired := w.Events&(1<<30) != 0; w.Inode == 0 || w.Armed() == fired {
			t.Errorf("%+v: fired %t", w, fired)
		}
	}
}

func TestInList(t *testing.T) {
	for list, want := range map[string][]int{"": nil, "\n": nil, "3\n": {3}, "0-2,5\n": {0, 1, 2, 5}, "1,7-": {1}, "x,2": {2}} {
		var got []int
		for n := range 10 {
			if procfs.InList(list, n) {
				got = append(got, n)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v", list, got)
		}
	}
}

// TestFS_Children: a process whose output is a pipe, of which the other end is read here, is told as a child, and its output as that pipe.
func TestFS_Children(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	cmd := exec.Command("sleep", "60")
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	fs := procfs.New("/proc")
	children, err := fs.Children(os.Getpid())
	if err != nil || !slices.Contains(children, cmd.Process.Pid) {
		t.Fatalf("%v, %v, want %d", children, err, cmd.Process.Pid)
	}
	info, err := r.Stat()
	if err != nil {
		t.Fatal(err)
	}
	inode := uint32(info.Sys().(*syscall.Stat_t).Ino)
	a, err := fs.Activity(cmd.Process.Pid, 1, procfs.NewCommon())
	if err != nil || a.Outputs[0] != inode || a.Outputs[1] != 0 {
		t.Errorf("%+v, %v, want %d", a, err, inode)
	}
}
