package inetdiag

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/closewait/closewait/tcp"
)

// recorder keeps what a transport receives.
type recorder struct {
	transport
	name string
	n    int
}

func (r *recorder) receive(b []byte) (int, error) {
	n, err := r.transport.receive(b)
	if err == nil {
		err = os.WriteFile(filepath.Join("testdata", "dumps", fmt.Sprintf("%s-%02d.bin", r.name, r.n)), b[:n], 0o644)
		r.n++
	}
	return n, err
}

// Record dumps all sockets and writes the datagrams to testdata/dumps.
func Record(c *Conn, name string, ext Extensions) error {
	if err := os.MkdirAll("testdata/dumps", 0o755); err != nil {
		return err
	}
	c.transport = &recorder{transport: c.transport, name: name}
	return c.dump(context.Background(), 0, &Query{Extensions: ext}, nil, &Stats{}, func(*tcp.Socket) error { return nil })
}

// Polled reports whether the runtime's poller has the socket of a connection.
func (c *Conn) Polled() bool { return c.transport.(*socket).file != nil }

// Polled reports whether the runtime's poller has the socket of a subscription.
func (e *Events) Polled() bool { return e.transport.(*socket).file != nil }
