package inetdiag

import (
	"context"
	"fmt"
	"syscall"

	"github.com/closewait/closewait/tcp"
)

// together is how many requests go to the kernel in one datagram. Their answers have to fit into the receive buffer (net.core.rmem_default, normally 208 KiB) before the
// first is read, and an answer takes up to 2 KiB of it.
const together = 32

// GetEach looks many sockets up, as [Conn.Get] does, with a few system calls for many of them. answer is called once for each, with its index and the socket found, which
// the next call overwrites, or the error that Get would return.
//
// An error of its own means that no more was asked: answer was called for those before.
func (c *Conn) GetEach(ctx context.Context, sockets []*tcp.Socket, ext Extensions, answer func(i int, found *tcp.Socket, err error)) error {
	return c.each(ctx, "get", sockets, func(b []byte, flags uint16, s *tcp.Socket) []byte {
		return appendOne(b, typeByFamily, flags, c.seq, ext, s)
	}, func(i int, m *message, err error) {
		switch {
		case err == nil && m == nil:
			err = opError("get", fmt.Errorf("%w: no answer before the end", ErrMalformed))
		case err == nil:
			_, err = decode(m.body, &c.socket, &c.extra, c.makeInfo)
			err = opError("get", err)
		}
		if err != nil {
			answer(i, nil, err)
			return
		}
		answer(i, &c.socket, nil)
	})
}

// DestroyEach ends many sockets, as [Conn.Destroy] does, with a few system calls for many of them: the kernel speaks up only where it refuses. answer is called once for
// each, with its index and what Destroy would return.
//
// An error of its own means that no more were asked for; those for which answer was not called may have ended or not.
func (c *Conn) DestroyEach(ctx context.Context, sockets []*tcp.Socket, answer func(i int, err error)) error {
	return c.each(ctx, "destroy", sockets, func(b []byte, flags uint16, s *tcp.Socket) []byte {
		return appendOne(b, typeDestroy, flags, c.seq, 0, s)
	}, func(i int, m *message, err error) {
		if m != nil {
			err = opError("destroy", fmt.Errorf("%w: data where an acknowledgement was expected", ErrMalformed))
		}
		answer(i, err)
	})
}

// requests are those that are under way together.
type requests struct {
	op   string
	last uint32 // the sequence number of the last one
	told []bool // by index: what became of it was handed over
	tell func(i int, m *message, err error)
}

// each sends one request for each socket and hands over what came back for it: a message, an error, or neither, which is silence.
func (c *Conn) each(ctx context.Context, op string, sockets []*tcp.Socket, request func(b []byte, flags uint16, s *tcp.Socket) []byte, tell func(i int, m *message, err error)) error {
	for first := 0; first < len(sockets); first += together {
		part := sockets[first:min(first+together, len(sockets))]
		err := interruptible(ctx, c.transport, func() error {
			if err := c.drain(); err != nil {
				return err
			}
			c.request = c.request[:0]
			for i, s := range part {
				flags := uint16(0)
				if i == len(part)-1 {
					flags = flagAck // the end of all answers: the kernel serves one request after the other (netlink_rcv_skb)
				}
				c.seq++
				c.request = request(c.request, flags, s)
			}
			if err := c.transport.send(c.request); err != nil {
				return err
			}
			var told [together]bool
			return c.answers(&requests{op, c.seq, told[:len(part)], func(i int, m *message, err error) { tell(first+i, m, err) }})
		})
		if err != nil {
			return opError(op, err)
		}
	}
	return nil
}

// answers reads what the kernel has to say, up to the verdict on the last request, and then tells of those it was silent about.
func (c *Conn) answers(r *requests) error {
	for ended := false; !ended; {
		n, err := c.transport.receive(c.buffer)
		if err != nil {
			return err
		}
		for rest := c.buffer[:n]; len(rest) > 0; {
			if c.message, rest, err = nextMessage(rest); err != nil {
				return err
			}
			last, err := r.answer(&c.message)
			if err != nil {
				return err
			}
			ended = ended || last
		}
	}
	for i, told := range r.told {
		if !told {
			r.tell(i, nil, nil)
		}
	}
	return nil
}

// answer takes one message in, and reports whether it is the verdict on the last request.
func (r *requests) answer(m *message) (last bool, err error) {
	i := len(r.told) - 1 - int(int32(r.last-m.seq)) // a small difference, also where the numbers have gone round
	if i < 0 || i >= len(r.told) {
		return false, nil // the tail of a request that was given up
	}
	switch m.typ {
	case typeOverrun:
		return false, syscall.ENOBUFS
	case typeByFamily:
		r.once(i, m, nil)
	case typeError:
		errno, words, err := m.errno()
		if err != nil {
			return false, err
		}
		if errno != 0 {
			r.once(i, nil, &OpError{Op: r.op, Err: errno, Message: words})
		}
		return i == len(r.told)-1, nil
	}
	return false, nil
}

func (r *requests) once(i int, m *message, err error) {
	if !r.told[i] {
		r.told[i] = true
		r.tell(i, m, err)
	}
}
