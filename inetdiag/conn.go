package inetdiag

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"

	"github.com/closewait/closewait/tcp"
)

// bufferSize is what one receive can fill: the kernel puts at most 32 KiB into a datagram of a dump however large the buffer is (netlink_recvmsg).
const bufferSize = 32 << 10

// tries bounds how often Sockets repeats an interrupted dump.
const tries = 4

// transport carries datagrams to and from the kernel. It is the seam at which tests put a kernel of their own.
type transport interface {
	send(b []byte) error
	// receive fills b with one datagram. It waits until there is one, the transport is interrupted or closed.
	receive(b []byte) (int, error)
	// interrupt makes present and future receives fail until the returned function is called.
	interrupt() (resume func())
	close() error
}

// Conn is a connection to the sock_diag of one network namespace. It is not safe for concurrent use.
type Conn struct {
	transport transport
	seq       uint32
	dumping   uint32 // sequence number of a dump whose end has not been read, 0 if none
	request   []byte
	buffer    []byte
	// message, socket and extra are the ones at hand, and makeInfo fills the room for the tcp_info of that. They live here so that a dump allocates nothing for each.
	message  message
	socket   tcp.Socket
	extra    tcp.Extra
	makeInfo func([]byte) tcp.Info
}

func newConn(t transport) *Conn {
	return &Conn{transport: t, buffer: make([]byte, bufferSize), makeInfo: new(tcp.InfoBuffer).Set}
}

// Close releases the connection.
func (c *Conn) Close() error { return opError("close", c.transport.close()) }

// Stats says how complete a dump is.
type Stats struct {
	// Sockets is the number of sockets reported.
	Sockets int
	// UnknownAttributes counts attributes that were skipped: they belong to a newer kernel, or do not have the size of their kind.
	UnknownAttributes int
	// Malformed counts messages that were skipped because they contradict themselves.
	Malformed int
	// Interrupted is true when the kernel said that the tables changed in a way that makes the dump inconsistent (NLM_F_DUMP_INTR).
	Interrupted bool
	// Tries is how often the dump was made.
	Tries int
	// Held is for how long the reading thread was kept from running during the last try of [Conn.Sockets]: by so much the pace at which sockets were read may be uneven.
	Held time.Duration
}

// errFinished ends the loop of roundTrip without being an error.
var errFinished = errors.New("finished")

// Dump calls visit for each socket that q selects. The Socket it passes is overwritten by the next call, its Info and Extra with it; use [tcp.Socket.Clone] to keep it. A visit that returns an error
// ends the dump with that error, unwrapped.
//
// The number of allocations does not depend on the number of sockets. An interrupted dump is reported in Stats and is not an error: what was visited
// is what the kernel said. Use [Conn.Sockets] to have it repeated.
//
// Errors: EPERM for a tcp.Mark condition without CAP_NET_ADMIN; EINVAL for a condition this kernel does not know; ENOENT where
// the kernel has no such family or protocol (IPv6 switched off, no MPTCP diag); ErrTooLarge; the error of ctx.
func (c *Conn) Dump(ctx context.Context, q Query, visit func(*tcp.Socket) error) (Stats, error) {
	stats := Stats{Tries: 1}
	bytecode, err := Compile(q.Condition)
	if err != nil {
		return stats, opError("dump", err)
	}
	families := []tcp.Family{q.Family}
	if q.Family == 0 && q.Protocol != TCP {
		families = []tcp.Family{tcp.IPv4, tcp.IPv6} // the form for both families cannot name a protocol
	}
	for _, family := range families {
		if err := c.dump(ctx, family, &q, bytecode, &stats, visit); err != nil {
			return stats, err
		}
	}
	return stats, nil
}

func (c *Conn) dump(ctx context.Context, family tcp.Family, q *Query, bytecode []byte, stats *Stats, visit func(*tcp.Socket) error) error {
	c.seq++
	c.request = appendDump(c.request[:0], c.seq, family, q, bytecode)
	makeInfo := c.makeInfo
	if q.Protocol != TCP {
		makeInfo = nil
	}
	var visitErr error
	err := c.roundTrip(ctx, "dump", func(m *message) error {
		if m.flags&flagDumpIntr != 0 {
			stats.Interrupted = true
		}
		if m.typ == typeDone {
			return errFinished
		}
		unknown, err := decode(m.body, &c.socket, &c.extra, makeInfo)
		if err != nil {
			stats.Malformed++
			return nil
		}
		if c.socket.State == tcp.Closed {
			// The tables hold no closed sockets but those of the bind table, which the kernel reports under this number.
			c.socket.State = tcp.Bound
		}
		stats.UnknownAttributes += unknown
		stats.Sockets++
		if q.Keep != nil {
			*q.Keep = append(binary.LittleEndian.AppendUint32(*q.Keep, uint32(len(m.body))), m.body...)
		}
		if visitErr = visit(&c.socket); visitErr != nil {
			return errFinished
		}
		return nil
	})
	return cmp.Or(visitErr, err)
}

// Sockets appends the sockets that q selects to the slice and returns it. An interrupted dump is repeated, a bounded number of times; if the last try
// was interrupted, too, Stats says so and the sockets are those of that try.
//
// Errors are those of Dump; the sockets read until then are returned with them.
func (c *Conn) Sockets(ctx context.Context, q Query, to []tcp.Socket) ([]tcp.Socket, Stats, error) {
	runtime.LockOSThread() // whose time is measured
	defer runtime.UnlockOSThread()
	kept, messages := len(to), 0
	if q.Keep != nil {
		messages = len(*q.Keep)
	}
	for try := 1; ; try++ {
		to = to[:kept]
		var infos tcp.Infos
		var extras tcp.Extras
		if q.Keep != nil {
			*q.Keep = (*q.Keep)[:messages]
		}
		began, ran := time.Now(), threadTime()
		stats, err := c.Dump(ctx, q, func(s *tcp.Socket) error {
			to = append(to, *s)
			last := &to[len(to)-1]
			last.Info, last.Extra = infos.Keep(last.Info), extras.Keep(last.Extra)
			return nil
		})
		stats.Tries, stats.Held = try, max(time.Since(began)-(threadTime()-ran), 0)
		if err != nil || !stats.Interrupted || try == tries {
			return to, stats, err
		}
	}
}

// Get looks a socket up by its addresses, interface and cookie (tcp.NoCookie for whichever has these addresses now), and decodes it into found.
// Family, Local, Peer, Interface and Cookie of s are used. Unconnected sockets cannot be looked up, listeners can.
//
// Errors: fs.ErrNotExist when there is no such socket or its cookie is another's.
func (c *Conn) Get(ctx context.Context, s *tcp.Socket, ext Extensions, found *tcp.Socket) error {
	c.seq++
	c.request = appendOne(c.request[:0], typeByFamily, 0, c.seq, ext, s)
	return c.roundTrip(ctx, "get", func(m *message) error {
		if m.typ == typeDone {
			return fmt.Errorf("%w: no answer before the end", ErrMalformed)
		}
		if _, err := Decode(m.body, found); err != nil {
			return err
		}
		return errFinished
	})
}

// Destroy ends a socket at once (SOCK_DESTROY; since 4.5, needs CONFIG_INET_DIAG_DESTROY), as the kernel's tcp_abort does for its state. It waits for the
// acknowledgement. Family, Local, Peer, Interface and Cookie of s are used; the cookie guards against a socket that has taken the
// addresses over meanwhile, so leave it out (tcp.NoCookie) only with good reason.
//
// The owner's descriptor stays open, and a connection not yet accepted keeps its place in the accept queue.
//
// Errors: fs.ErrNotExist when the socket is gone already or its cookie is another's; fs.ErrPermission without CAP_NET_ADMIN in the user namespace that
// owns the network namespace; errors.ErrUnsupported when the kernel lacks CONFIG_INET_DIAG_DESTROY or cannot destroy sockets in this state
// (TIME_WAIT before 6.0).
func (c *Conn) Destroy(ctx context.Context, s *tcp.Socket) error {
	c.seq++
	c.request = appendOne(c.request[:0], typeDestroy, flagAck, c.seq, 0, s)
	return c.roundTrip(ctx, "destroy", func(*message) error {
		return fmt.Errorf("%w: data where an acknowledgement was expected", ErrMalformed)
	})
}

// roundTrip sends the prepared request and hands the replies to it to handle until handle returns an error (errFinished for the regular end) or the
// kernel acknowledges or refuses the request.
func (c *Conn) roundTrip(ctx context.Context, op string, handle func(*message) error) error {
	return opError(op, interruptible(ctx, c.transport, func() error {
		if err := c.drain(); err != nil {
			return err
		}
		if err := c.transport.send(c.request); err != nil {
			return err
		}
		return c.replies(op, handle)
	}))
}

// drain reads the rest of a dump that was given up: the kernel takes no new dump on this connection before the old one has ended (EBUSY).
func (c *Conn) drain() error {
	if c.dumping == 0 {
		return nil
	}
	seq := c.seq
	c.seq = c.dumping
	err := c.replies("drain", func(m *message) error {
		if m.typ == typeDone {
			return errFinished
		}
		return nil
	})
	c.seq = seq
	if errors.As(err, new(syscall.Errno)) && c.dumping == 0 {
		return nil // the old dump ended with an error that nobody waits for
	}
	return err
}

// interruptible runs f, whose receives fail as soon as ctx ends.
func interruptible(ctx context.Context, t transport, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	interrupted := make(chan func(), 1)
	stop := context.AfterFunc(ctx, func() { interrupted <- t.interrupt() })
	err := f()
	if !stop() {
		(<-interrupted)()
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (c *Conn) replies(op string, handle func(*message) error) error {
	for {
		n, err := c.transport.receive(c.buffer)
		if err != nil {
			return opError(op, err)
		}
		for rest := c.buffer[:n]; len(rest) > 0; {
			m := &c.message
			if *m, rest, err = nextMessage(rest); err != nil {
				return opError(op, err)
			}
			if m.seq != c.seq || m.typ == typeNoop {
				continue // the tail of a request that was given up
			}
			if done, err := c.reply(op, m, handle); done || err != nil {
				return err
			}
		}
	}
}

// reply judges one message: verdicts of the kernel end the exchange, everything else is for handle.
func (c *Conn) reply(op string, m *message, handle func(*message) error) (done bool, err error) {
	switch m.typ {
	case typeError, typeDone:
		c.dumping = 0
		errno, words, err := m.errno()
		if err != nil {
			return true, opError(op, err)
		}
		if errno != 0 {
			return true, &OpError{Op: op, Err: errno, Message: words}
		}
		if m.typ == typeError {
			return true, nil
		}
	case typeOverrun:
		return true, opError(op, syscall.ENOBUFS)
	case typeDumpBoth, typeByFamily:
	default:
		return false, nil
	}
	if m.typ != typeDone && m.flags&flagMulti != 0 {
		c.dumping = c.seq
	}
	switch err := handle(m); {
	case err == nil:
		return false, nil
	case errors.Is(err, errFinished):
		return true, nil
	case errors.Is(err, ErrMalformed):
		return true, opError(op, err)
	default:
		return true, err
	}
}
