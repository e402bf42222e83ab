package nstest

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/closewait/closewait/internal/stage"
	"github.com/closewait/closewait/tcp"
	"golang.org/x/sys/unix"
)

// perAddress is how many connections share a loopback address, so that looking for a free client port stays quick.
const perAddress = 2000

// spareFDs is what a process needs beside its CLOSE_WAIT sockets.
const spareFDs = 200

// ManyCloseWait makes n IPv4 CLOSE_WAIT sockets with an unread FIN, held by this process and closed together at the end of the test. Their peers are closed: they stay as
// FIN_WAIT_2 mini sockets for 60 s. One descriptor is needed for each; the test is skipped when the hard limit does not allow that.
func ManyCloseWait(t testing.TB, n int) []Expected {
	t.Helper()
	Require(t)
	if limit := raiseFDLimit(); uint64(n)+spareFDs > limit {
		Missing(t, fmt.Sprintf("%d descriptors in a process; the limit is %d", n+spareFDs, limit))
	}
	held, err := manyCloseWait(n)
	t.Cleanup(func() {
		for _, e := range held {
			stage.Socket(e.FD).Abort()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return held
}

// raiseFDLimit raises the number of descriptors to the hard limit and returns it.
func raiseFDLimit() uint64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	if limit.Cur < limit.Max {
		raised := unix.Rlimit{Cur: limit.Max, Max: limit.Max}
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) != nil {
			return limit.Cur
		}
	}
	return limit.Max
}

// manyCloseWait returns what it could make, even with an error, so that it can be closed.
func manyCloseWait(n int) ([]Expected, error) {
	held := make([]Expected, 0, n)
	for group := byte(1); len(held) < n; group++ {
		addr := netip.AddrFrom4([4]byte{127, 0, 1, group})
		more, err := closeWaitAt(addr, min(perAddress, n-len(held)))
		held = append(held, more...)
		if err != nil {
			return held, fmt.Errorf("CLOSE_WAIT socket %d of %d: %w", len(held)+1, n, err)
		}
	}
	return held, awaitCloseWait(held)
}

func closeWaitAt(addr netip.Addr, n int) (held []Expected, err error) {
	listener, err := stage.Listen(IPv4, netip.AddrPortFrom(addr, 0), 16)
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	at, err := listener.Local()
	for err == nil && len(held) < n {
		var one Expected
		if one, err = oneCloseWait(listener, at); err == nil {
			held = append(held, one)
		}
	}
	return held, err
}

// oneCloseWait connects, accepts, and closes the client.
func oneCloseWait(listener stage.Socket, at netip.AddrPort) (Expected, error) {
	e := Expected{Family: tcp.IPv4, Local: at, State: tcp.CloseWait, RecvQueue: 1, Listed: true}
	client, err := stage.Open(IPv4)
	if err != nil {
		return e, err
	}
	defer client.Close()
	if err := client.Connect(at); err != nil {
		return e, err
	}
	server, err := listener.Accept()
	if err != nil {
		return e, err
	}
	e.FD = int(server)
	if e.Peer, err = server.Peer(); err == nil {
		e.Inode, err = server.Inode()
	}
	if err != nil {
		server.Close()
	}
	return e, err
}

// awaitCloseWait waits for the FINs, nearly all of which have arrived when the client's close returns.
func awaitCloseWait(held []Expected) error {
	for _, e := range held {
		if err := stage.Socket(e.FD).Wait(unix.POLLRDHUP); err != nil {
			return fmt.Errorf("wait for the FIN of %v: %w", e.Peer, err)
		}
	}
	return nil
}
