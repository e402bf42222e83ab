package host_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/diagnose"
	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/tcp"
)

// reused is a /proc in which a pid can be handed on to another process.
type reused struct {
	t   *testing.T
	dir string
}

// newReused makes it: links to the real one, but for the processes.
func newReused(t *testing.T) *reused {
	t.Helper()
	r := &reused{t, t.TempDir()}
	for _, name := range []string{"stat", "sys", "uptime", "version", "self", "net"} {
		if err := os.Symlink("/proc/"+name, filepath.Join(r.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// give lets a pid be that of a process.
func (r *reused) give(pid, process int) {
	r.t.Helper()
	link := filepath.Join(r.dir, strconv.Itoa(pid))
	_ = os.Remove(link)
	if err := os.Symlink("/proc/"+strconv.Itoa(process), link); err != nil {
		r.t.Fatal(err)
	}
}

// newcomer starts a process that lives as long as the test, and has sockets of its own if it is to.
func newcomer(t *testing.T, sockets int) int {
	t.Helper()
	for before := procfs.New("/proc").Ticks(); procfs.New("/proc").Ticks() == before; { // else it might have been started in the same 10 ms as who had the pid, which nothing tells apart
		continue
	}
	if sockets > 0 {
		return nstest.StartHolder(t, sockets).PID
	}
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd.Process.Pid
}

// TestLook_usurper: a process that gets the pid of a holder while a look is being taken is never taken for the holder, and one that was merely started meanwhile is.
func TestLook_usurper(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		h := nstest.StartHolder(t, 3)
		for _, sockets := range []int{0, 3} {
			r := newReused(t)
			r.give(h.PID, h.PID)
			s, err := host.Between(t.Context(), host.OnProc(r.dir), wantStuck(), func() { r.give(h.PID, newcomer(t, sockets)) })
			if err != nil {
				t.Fatal(err)
			}
			if s.Holders.Held() != 0 || len(s.Processes) != 0 {
				t.Errorf("%d sockets are said to be held by %+v, which is another process by now", s.Holders.Held(), s.Processes)
			}
		}
		r := newReused(t)
		r.give(h.PID, h.PID)
		s, err := host.Between(t.Context(), host.OnProc(r.dir), wantStuck(), func() {})
		if p := s.Processes[h.PID]; err != nil || s.Holders.Held() != 3 || p == nil {
			t.Errorf("%v: %d sockets are held by %+v", err, s.Holders.Held(), s.Processes)
		}
	})
}

// TestLook_duplicate: a process that had a duplicate of a socket for a moment is no holder of it; one that keeps it is, and so is the only one whatever it does.
func TestLook_duplicate(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		h := nstest.StartHolder(t, 2)
		for _, keeps := range []bool{false, true} {
			pidfd, err := unix.PidfdOpen(h.PID, 0)
			if err != nil {
				t.Fatal(err)
			}
			duplicate, err := unix.PidfdGetfd(pidfd, h.Sockets[0].FD, 0)
			unix.Close(pidfd)
			if err != nil {
				t.Fatal(err)
			}
			letGo := func() { unix.Close(duplicate) }
			if keeps {
				t.Cleanup(letGo)
				letGo = func() {}
			}
			s, err := host.Between(t.Context(), host.New(time.Now), wantStuck(), letGo)
			own := func(h look.Holder) bool { return h.PID == os.Getpid() }
			if err != nil || s.Holders.Any(h.Sockets[0].Inode, own) != keeps || s.Holders.Held() != 2 {
				t.Errorf("it keeps its duplicate: %v, held by %v: %v", keeps, s.Holders.Of(h.Sockets[0].Inode), err)
			}
		}
	})
}

// TestLook_overlooked: sockets whose program was passed by before it accepted them are found with it after all.
func TestLook_overlooked(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		h := nstest.StartHolder(t, 3)
		s, err := host.Overlooked(t.Context(), host.New(time.Now), wantStuck())
		if err != nil || s.Holders.Held() != 3 || s.Processes[h.PID] == nil {
			t.Errorf("%v: %d of 3 sockets are held, by %v", err, s.Holders.Held(), s.Processes)
		}
	})
}

// TestLook_usurper_passing: nor is it where sockets are handed on as they are read.
func TestLook_usurper_passing(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		h := nstest.StartHolder(t, 2)
		for _, ends := range []bool{true, false} {
			r := newReused(t)
			r.give(h.PID, h.PID)
			shared := look.MakeHolders(2)
			for _, s := range h.Sockets {
				shared.Hold(s.Inode, look.Holder{PID: h.PID, FD: s.FD})
				shared.Hold(s.Inode, look.Holder{PID: os.Getpid(), FD: s.FD})
			}
			var got []look.Holder
			happen := func() {
				if ends {
					r.give(h.PID, newcomer(t, 0))
				}
				r.give(os.Getpid(), os.Getpid()) // it began long before, and may have closed its descriptor since
			}
			err := host.Handed(t.Context(), host.OnProc(r.dir), &look.Namespace{}, &tcp.Socket{Inode: h.Sockets[0].Inode}, shared, happen, func(p *host.Passing) error {
				got = append(got, p.Holders...)
				return nil
			})
			want := []look.Holder{{PID: h.PID, FD: h.Sockets[0].FD}, {PID: os.Getpid(), FD: h.Sockets[0].FD}}
			if ends {
				want = want[1:]
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%v, %v, want %v", err, got, want)
			}
		}
	})
}

func wantStuck() host.Request {
	return host.Request{Netns: []string{netnsPath()}, NoBPF: true, Holders: func(s *tcp.Socket) bool { return s.State == tcp.CloseWait }}
}

// TestLook_usurper_activity: what a process does that gets the pid of one that was described is not told of that one.
func TestLook_usurper_activity(t *testing.T) {
	nstest.Require(t)
	nstest.New(t).Do(func() {
		h := nstest.StartHolder(t, 3)
		for rounds := range 3 { // when the pid is handed on: before the first look at what it does, before the second, never
			r := newReused(t)
			r.give(h.PID, h.PID)
			request, asked := wantStuck(), 0
			request.Undecided = diagnose.Undecided
			request.Inquire = func(*look.Snapshot) (wish look.Wish) {
				wish.Again, wish.Patience = []int{h.PID}, time.Millisecond
				if asked == 0 {
					wish.Activity = []int{h.PID}
				}
				if asked++; asked == rounds+1 && rounds < 2 {
					r.give(h.PID, newcomer(t, 0))
				}
				return wish
			}
			s, _, err := host.OnProc(r.dir).Look(t.Context(), request)
			p := s.Processes[h.PID]
			if err != nil || p == nil || p.Activity == nil {
				t.Fatalf("%d: %v, %+v", rounds, err, p)
			}
			threads, again := len(p.Activity.Threads), 0
			for i := range p.Activity.Threads {
				if p.Activity.Threads[i].Again.State != 0 {
					again++
				}
			}
			if threads > 0 != (rounds > 0) || again > 0 != (rounds > 1) {
				t.Errorf("%d: %d threads, %d of them twice", rounds, threads, again)
			}
		}
	})
}
