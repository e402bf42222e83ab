package inetdiag

import (
	"context"
	"errors"
	"syscall"

	"github.com/closewait/closewait/tcp"
)

// Events receives a report for every TCP socket of one network namespace that the kernel frees (multicast groups SKNLGRP_INET_TCP_DESTROY
// and SKNLGRP_INET6_TCP_DESTROY, since 4.2). It is not safe for concurrent use.
//
// A report comes when the socket is freed, which for a socket somebody holds is when its last descriptor is closed: a connection that died and
// was not closed gives no event. A socket that enters TIME_WAIT, or FIN_WAIT_2 without an owner, is reported, too. The state is always tcp.Closed,
// inode and timer are 0; tcp_info keeps its last values, among them the number of retransmissions without an answer. Join on the cookie to know more.
type Events struct {
	transport transport
	buffer    []byte
	rest      []byte
}

func newEvents(t transport) *Events { return &Events{transport: t, buffer: make([]byte, bufferSize)} }

// Close releases the subscription.
func (e *Events) Close() error { return opError("close", e.transport.close()) }

// Receive waits for the next freed socket and decodes it into s. Messages that are no such report are skipped.
//
// Errors: ErrLost when the kernel dropped events because they were not received fast enough (ENOBUFS), after which Receive may be called again; the
// error of ctx.
func (e *Events) Receive(ctx context.Context, s *tcp.Socket) error {
	for {
		for len(e.rest) > 0 {
			m, rest, err := nextMessage(e.rest)
			if e.rest = rest; err != nil {
				return opError("receive", err)
			}
			if m.typ != typeByFamily && m.typ != typeDestroy {
				continue
			}
			if _, err := Decode(m.body, s); err == nil {
				return nil
			}
		}
		if err := e.fill(ctx); err != nil {
			return opError("receive", err)
		}
	}
}

func (e *Events) fill(ctx context.Context) error {
	return interruptible(ctx, e.transport, func() error {
		n, err := e.transport.receive(e.buffer)
		if errors.Is(err, syscall.ENOBUFS) {
			return ErrLost
		}
		e.rest = e.buffer[:n]
		return err
	})
}
