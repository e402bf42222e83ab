package unixdiag_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/internal/unixdiag"
)

func TestMain(m *testing.M) { nstest.Main(m) }

// TestRead asks the kernel about a connection that nobody accepts and then somebody does, by a path and by an abstract name.
func TestRead(t *testing.T) {
	for _, address := range []string{filepath.Join(t.TempDir(), "a socket"), "@closewait " + t.Name()} {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: address})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: address})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "question")
		own, listener := inode(t, c), inode(t, l)
		want := look.Unix{Queued: true, Connected: true, Path: address, Listener: listener}
		if got := read(t, own); got != want {
			t.Errorf("%s, not accepted: %+v, want %+v", address, got, want)
		}
		s, err := l.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		want.Queued, want.Peer, want.Unread = false, inode(t, s), 8
		if got := read(t, own); got != want {
			t.Errorf("%s, accepted: %+v, want %+v", address, got, want)
		}
		if got, want := read(t, want.Peer), (look.Unix{Peer: own, Path: address}); got != want {
			t.Errorf("%s, at the other end: %+v, want %+v", address, got, want)
		}
		if _, err := s.Read(make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, own); got.Unread != 3 {
			t.Errorf("%s, read in part: %+v", address, got)
		}
	}
}

// TestRead_pair: a pair has no side that connected.
func TestRead_pair(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	if got, want := read(t, statOf(t, fds[0])), (look.Unix{Peer: statOf(t, fds[1])}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func read(t *testing.T, inode uint32) look.Unix {
	t.Helper()
	table, err := unixdiag.Read(t.Context())
	if errors.Is(err, fs.ErrNotExist) {
		nstest.Missing(t, "the kernel's unix_diag")
	}
	if err != nil {
		t.Fatal(err)
	}
	u, ok := table.Of(inode)
	if !ok {
		t.Errorf("socket %d is not in the table", inode)
	}
	return u
}

func inode(t *testing.T, of syscall.Conn) (n uint32) {
	t.Helper()
	raw, err := of.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { n = statOf(t, int(fd)) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func statOf(t *testing.T, fd int) uint32 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	return uint32(st.Ino)
}
