package inetdiag_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/tcp"
	"golang.org/x/sys/unix"
)

// TestConn_polled: a dump never waits, so that no thread is woken for its parts; it heeds its context all the same.
func TestConn_polled(t *testing.T) {
	conn, err := inetdiag.Open()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	for range 3 {
		if _, err := conn.Dump(ctx, inetdiag.Query{}, func(*tcp.Socket) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if conn.Polled() {
		t.Error("a dump had to wait")
	}
	cancel()
	if _, err := conn.Dump(ctx, inetdiag.Query{}, func(*tcp.Socket) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := conn.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed again: %v", err)
	}
	if _, err := conn.Dump(t.Context(), inetdiag.Query{}, func(*tcp.Socket) error { return nil }); !errors.Is(err, unix.EBADF) {
		t.Errorf("a dump after that: %v", err)
	}
}

// TestEvents_wait: who waits is told when time is up, each time anew.
func TestEvents_wait(t *testing.T) {
	events, err := inetdiag.OpenEvents()
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		var s tcp.Socket
		err := events.Receive(ctx, &s)
		for err == nil { // somebody's socket, perhaps
			err = events.Receive(ctx, &s)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !events.Polled() {
			t.Errorf("%v, in the poller: %t", err, events.Polled())
		}
		cancel()
	}
	if err := events.Close(); err != nil {
		t.Error(err)
	}
}
