package nstest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) { nstest.Main(m) }

// Every scene, in a namespace of its own, must be exactly what ss and the bound dump see there: nothing missing, nothing more.
func TestScenes(t *testing.T) {
	for _, scene := range nstest.Scenes() {
		for _, fam := range nstest.Families() {
			t.Run(scene.Name+"/"+fam.String(), func(t *testing.T) {
				t.Parallel()
				nstest.New(t).Do(func() { judge(t, scene.Build(t, fam)) })
			})
		}
	}
}

func judge(t *testing.T, made nstest.Made) {
	t.Helper()
	want := lines(made.Listed())
	nstest.Eventually(t, func() (bool, any) {
		got := lines(append(seen(t), boundSockets(t)...))
		diff := cmp.Diff(want, got)
		return diff == "", "(-want +got)\n" + diff
	})
	for _, e := range made.All() {
		if held := holds(t, e.Inode); held != (e.FD >= 0) || held != (e.Inode != 0) {
			t.Errorf("held by this process: %v; expected descriptor %d, inode %d", held, e.FD, e.Inode)
		}
	}
}

// seen is what ss says.
func seen(t *testing.T) []nstest.Expected {
	t.Helper()
	var all []nstest.Expected
	for _, s := range nstest.SS(t) {
		all = append(all, nstest.Expected{
			Family: s.Family, Local: s.Local, Peer: s.Peer, State: s.State, Timer: s.Timer.Kind,
			RecvQueue: s.RecvQueue, SendQueue: s.SendQueue, Inode: s.Inode,
		})
	}
	return all
}

func lines(all []nstest.Expected) []string {
	var text []string
	for _, e := range all {
		text = append(text, e.String())
	}
	slices.Sort(text)
	return text
}

// holds reports whether one of this process's descriptors is the socket of an inode.
func holds(t *testing.T, inode uint32) bool {
	t.Helper()
	return holder(t, "self", inode)
}

func holder(t *testing.T, pid string, inode uint32) bool {
	t.Helper()
	descriptors, err := filepath.Glob("/proc/" + pid + "/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(descriptors, func(path string) bool {
		target, err := os.Readlink(path)
		return err == nil && target == fmt.Sprintf("socket:[%d]", inode)
	})
}

func TestScenes_cover_every_state(t *testing.T) {
	t.Parallel()
	nstest.Require(t)
	var states tcp.StateSet
	names := map[string]bool{}
	for _, scene := range nstest.Scenes() {
		if names[scene.Name] {
			t.Errorf("two scenes named %q", scene.Name)
		}
		names[scene.Name] = true
		made := scene.Build(t, nstest.IPv4)
		states |= tcp.SetOf(made.Subject.State)
		if name := made.Subject.State.String(); made.Subject.Listed && name != "closed" && !strings.HasPrefix(scene.Name, name) {
			t.Errorf("scene %q makes a socket in %s", scene.Name, name)
		}
	}
	if want := tcp.AllStates &^ tcp.SetOf(tcp.NewSynRecv, tcp.Bound); states != want {
		t.Errorf("states %b, want %b", states, want)
	}
}

func TestBuild_by_name(t *testing.T) {
	made := nstest.Build(t, "close_wait_unread", nstest.Mapped)
	got := made.Subject
	if got.RecvQueue != 1001 || got.State != tcp.CloseWait || !got.Local.Addr().Is4In6() {
		t.Errorf("got %v", got)
	}
	if tuple := got.Tuple(); !tuple.Local.Addr().Is4() || tuple.Reverse() != made.Others[0].Tuple() {
		t.Errorf("tuples %v and %v are not the ends of one connection", tuple, made.Others[0].Tuple())
	}
}

// A vanished peer is told from a slow one by what the kernel counts.
func TestScenes_tell_causes_apart(t *testing.T) {
	t.Parallel()
	slow := nstest.Build(t, "close_wait_zero_window", nstest.IPv4)
	gone := nstest.Build(t, "close_wait_zero_window_vanished", nstest.IPv4)
	counts := map[string]uint8{}
	for _, s := range nstest.SS(t) {
		counts[s.Local.String()] = s.Timer.Count
	}
	if n := counts[slow.Subject.Local.String()]; n > 1 {
		t.Errorf("slow peer: %d probes without answer", n)
	}
	if n := counts[gone.Subject.Local.String()]; n == 0 {
		t.Error("vanished peer: no probe without answer")
	}
}

func TestSocket_deaf_hears_again(t *testing.T) {
	t.Parallel()
	server, client := nstest.Connect(t, nstest.IPv6)
	client.Deafen()
	server.Write(100)
	server.AwaitInfo("a retransmission time-out", func(info *tcp.Info) bool {
		n, _ := info.Uint(tcp.Retransmits)
		return n > 0
	})
	client.Undeafen()
	client.Read(100)
	server.AwaitInfo("recovery", func(info *tcp.Info) bool {
		n, _ := info.Uint(tcp.Unacked)
		return n == 0
	})
}

func BenchmarkScenes(b *testing.B) {
	for _, scene := range nstest.Scenes() {
		b.Run(scene.Name, func(b *testing.B) {
			for b.Loop() {
				scene.Build(b, nstest.IPv4)
			}
		})
	}
}
