package netns_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/netns"
	"github.com/closewait/closewait/internal/nstest"
)

// fakeNames stands for /run/netns, where this host may have names of its own.
const fakeNames = "/nowhere/netns"

// fakeProc is a /proc with links instead of the kernel's: pid to inode, "" for a process that may not be read.
func fakeProc(t *testing.T, self uint64, pids map[int]uint64, files map[string]string) netns.Roots {
	t.Helper()
	root := t.TempDir()
	links := map[string]uint64{"thread-self": self}
	for pid, inode := range pids {
		links[strconv.Itoa(pid)] = inode
	}
	for name, inode := range links {
		dir := filepath.Join(root, name, "ns")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if inode == 0 { // a zombie
			continue
		}
		if err := os.Symlink("net:["+formatInode(inode)+"]", dir+"/net"); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return netns.Roots{Proc: root, Names: []string{fakeNames}}
}

func TestList_fixture(t *testing.T) {
	roots := fakeProc(t, 50, map[int]uint64{1: 10, 20: 50, 30: 11, 40: 0}, map[string]string{
		"self/mountinfo": strings.ReplaceAll(recorded, "/run/netns/", fakeNames+"/"), "uptime": "1 1\n",
	})
	got, unreadable, err := netns.List(t.Context(), roots)
	if err != nil || len(unreadable) != 0 {
		t.Fatal(err, unreadable)
	}
	want := []netns.Namespace{
		{Inode: 50, PID: 20, Path: roots.Proc + "/20/ns/net"},
		{Inode: 10, Name: "host", PID: 1, Path: roots.Proc + "/1/ns/net"},
		{Inode: 11, PID: 30, Path: roots.Proc + "/30/ns/net"},
		{Inode: 4026532164, Name: "blue", Path: fakeNames + "/blue"},
		{Inode: 4026532300, Path: "/run/docker/netns/1-u0kq3m"},
		{Inode: 4026532301, Name: "with space\\and\tmore", Path: fakeNames + "/with space\\and\tmore"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestListNamed(t *testing.T) {
	roots := fakeProc(t, 50, map[int]uint64{1: 10, 20: 50, 30: 11}, map[string]string{"self/mountinfo": strings.ReplaceAll(recorded, "/run/netns/", fakeNames+"/")})
	got, unreadable, err := netns.ListNamed(t.Context(), roots)
	if err != nil || len(unreadable) != 0 || len(got) != 5 || got[0].Inode != 50 || got[0].PID != 0 || got[1].Name != "host" || got[2].Name != "blue" {
		t.Errorf("%+v, %v, %v", got, unreadable, err)
	}
}

// TestList_hostName is about who is called host when process 1 does not tell.
func TestList_hostName(t *testing.T) {
	initial := map[string]string{"self/mountinfo": "", "sys/net/ipv4/tcp_max_orphans": "4096\n"}
	other := map[string]string{"self/mountinfo": ""}
	for _, test := range []struct {
		name  string
		pids  map[int]uint64
		files map[string]string
		want  string
	}{
		{"process-1-is-here", map[int]uint64{1: 50}, other, "host"},
		{"process-1-is-elsewhere", map[int]uint64{1: 10}, initial, ""},
		{"process-1-hidden-initial-namespace", map[int]uint64{20: 50}, initial, "host"},
		{"process-1-hidden-other-namespace", map[int]uint64{20: 50}, other, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, err := netns.List(t.Context(), fakeProc(t, 50, test.pids, test.files))
			if err != nil || got[0].Inode != 50 || got[0].Name != test.want {
				t.Errorf("got %+v, %v; want the name %q", got, err, test.want)
			}
		})
	}
}

func TestList_errors(t *testing.T) {
	if _, _, err := netns.List(t.Context(), netns.Roots{Proc: "/nowhere"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := netns.List(ctx, netns.DefaultRoots()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestList_kernel looks at the running system: ourselves first, and whoever is not readable is told.
func TestList_kernel(t *testing.T) {
	got, unreadable, err := netns.List(t.Context(), netns.DefaultRoots())
	if err != nil {
		t.Fatal(err)
	}
	if want := here(t); got[0].Inode != want {
		t.Errorf("first is %+v, want inode %d", got[0], want)
	}
	for _, ns := range got {
		if ns.Path == "" {
			t.Errorf("%+v cannot be opened", ns)
		}
	}
	for _, u := range unreadable {
		if !errors.Is(u.Err, fs.ErrPermission) {
			t.Errorf("%+v", u)
		}
	}
	if len(unreadable) > 0 && os.Getuid() == 0 {
		t.Logf("root, and %d were not readable", len(unreadable))
	}
}

// TestList_thread finds the namespace of a thread that is elsewhere than its process, and can be opened.
func TestList_thread(t *testing.T) {
	if !nstest.InChild(t) {
		return
	}
	f := newNamespace(t)
	err := f.Do(func() error {
		got, _, err := netns.List(t.Context(), netns.DefaultRoots())
		if err != nil || got[0].Inode != f.Inode() {
			t.Errorf("first is %+v, %v; want inode %d", got[0], err, f.Inode())
		}
		if got[0].Name != "" {
			t.Errorf("a new namespace is called %q", got[0].Name)
		}
		if !slices.ContainsFunc(got[1:], func(ns netns.Namespace) bool { return ns.PID == os.Getpid() }) {
			t.Error("our process is missing")
		}
		again, err := netns.DefaultRoots().Open(got[0])
		if err == nil {
			err = again.Close()
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRoots_PID(t *testing.T) {
	inode, path, err := netns.DefaultRoots().PID(os.Getpid())
	if err != nil || inode != inodeOf(t, "/proc/self/ns/net") || inode != inodeOf(t, path) {
		t.Errorf("%d %s %v", inode, path, err)
	}
	if _, _, err := netns.DefaultRoots().PID(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkList(b *testing.B) {
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		list, _, err := netns.List(b.Context(), netns.DefaultRoots())
		if err != nil {
			b.Fatal(err)
		}
		n = len(list)
	}
	b.ReportMetric(float64(n), "namespaces")
}
