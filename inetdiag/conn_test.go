package inetdiag

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/closewait/closewait/tcp"
)

var compareSockets = cmp.Options{cmpopts.EquateComparable(tcp.Endpoint{})}

func collect(to *[]tcp.Socket) func(*tcp.Socket) error {
	return func(s *tcp.Socket) error {
		*to = append(*to, s.Clone())
		return nil
	}
}

func TestDump_multipart(t *testing.T) {
	c, f := dial(t, func(request []byte) [][]byte {
		first := slices.Concat(
			reply(request, typeDumpBoth, flagMulti, encode(sample(1))),
			reply(request, typeDumpBoth, flagMulti, encode(sample(2), attr(attrShutdown, 1), attr(99, 1, 2, 3))),
		)
		return [][]byte{first, reply(request, typeDumpBoth, flagMulti, encode(sample(3))), done(request, 0, 0)}
	})
	var got []tcp.Socket
	stats, err := c.Dump(t.Context(), Query{Extensions: WithInfo}, collect(&got))
	if err != nil {
		t.Fatal(err)
	}
	two := sample(2)
	two.Sent, two.Shutdown = tcp.HasShutdown, tcp.ShutdownReceive
	if diff := cmp.Diff([]tcp.Socket{*sample(1), *two, *sample(3)}, got, compareSockets); diff != "" {
		t.Errorf("sockets (-want +got):\n%s", diff)
	}
	if want := (Stats{Sockets: 3, UnknownAttributes: 1, Tries: 1}); stats != want {
		t.Errorf("stats %+v, want %+v", stats, want)
	}
	if len(f.sent) != 1 {
		t.Errorf("%d requests for both families, want 1", len(f.sent))
	}
}

func TestDump_request(t *testing.T) {
	none := func(request []byte) [][]byte { return [][]byte{done(request, 0, 0)} }
	tests := []struct {
		name  string
		q     Query
		types []uint16
		check func(body []byte) bool
	}{
		{"both families in one walk", Query{}, []uint16{typeDumpBoth}, func(b []byte) bool {
			return binary.NativeEndian.Uint32(b[4+idSize:]) == uint32(tcp.AllStates)
		}},
		{"one family", Query{Family: tcp.IPv6, States: tcp.SetOf(tcp.CloseWait), Extensions: WithInfo}, []uint16{typeByFamily}, func(b []byte) bool {
			return b[0] == 10 && b[1] == protocolTCP && b[2] == 2 && binary.NativeEndian.Uint32(b[4:]) == 1<<8
		}},
		{"request sockets by both bits", Query{Family: tcp.IPv4, States: tcp.SetOf(tcp.SynReceived)}, []uint16{typeByFamily}, func(b []byte) bool {
			return binary.NativeEndian.Uint32(b[4:]) == 1<<3|1<<12
		}},
		{"protocol by family", Query{Protocol: MPTCP}, []uint16{typeByFamily, typeByFamily}, func(b []byte) bool {
			typ, value, _, ok := nextAttr(b[8+idSize:])
			return ok && typ == requestProtocol && binary.NativeEndian.Uint32(value) == protocolMPTCP
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, f := dial(t, none)
			if _, err := c.Dump(t.Context(), test.q, func(*tcp.Socket) error { return nil }); err != nil {
				t.Fatal(err)
			}
			var types []uint16
			for _, b := range f.sent {
				m, rest, err := nextMessage(b)
				if err != nil || len(rest) != 0 || m.flags != flagRequest|flagDump || !test.check(m.body) {
					t.Errorf("request % x: flags %#x, rest %d, %v", m.body, m.flags, len(rest), err)
				}
				types = append(types, m.typ)
			}
			if !slices.Equal(types, test.types) {
				t.Errorf("requests of types %d, want %d", types, test.types)
			}
		})
	}
}

func TestSockets_interrupted(t *testing.T) {
	for _, calm := range []int{2, tries + 1} {
		try := 0
		c, _ := dial(t, func(request []byte) [][]byte {
			try++
			var flags uint16
			if try < calm {
				flags = flagDumpIntr
			}
			return [][]byte{reply(request, typeDumpBoth, flagMulti, encode(sample(try))), done(request, flags, 0)}
		})
		messages := []byte("before")
		got, stats, err := c.Sockets(t.Context(), Query{Keep: &messages}, []tcp.Socket{*sample(0)})
		if err != nil {
			t.Fatal(err)
		}
		last := min(calm, tries)
		message := encode(sample(last))
		if want := slices.Concat([]byte("before"), binary.LittleEndian.AppendUint32(nil, uint32(len(message))), message); !slices.Equal(messages, want) {
			t.Errorf("calm at %d: messages %x, want %x", calm, messages, want)
		}
		if diff := cmp.Diff([]tcp.Socket{*sample(0), *sample(last)}, got, compareSockets); diff != "" {
			t.Errorf("calm at %d: sockets (-want +got):\n%s", calm, diff)
		}
		if want := (Stats{Sockets: 1, Tries: last, Interrupted: calm > tries, Held: stats.Held}); stats != want {
			t.Errorf("calm at %d: stats %+v, want %+v", calm, stats, want)
		}
	}
}

func TestDump_givenUp(t *testing.T) {
	stop := errors.New("seen enough")
	c, f := dial(t, func(request []byte) [][]byte {
		return [][]byte{
			slices.Concat(reply(request, typeDumpBoth, flagMulti, encode(sample(1))), reply(request, typeDumpBoth, flagMulti, encode(sample(2)))),
			reply(request, typeDumpBoth, flagMulti, encode(sample(3))), done(request, 0, 0),
		}
	})
	if _, err := c.Dump(t.Context(), Query{}, func(*tcp.Socket) error { return stop }); err != stop {
		t.Fatalf("error %v, want the visitor's own", err)
	}
	var got []tcp.Socket
	if _, err := c.Dump(t.Context(), Query{}, collect(&got)); err != nil || len(got) != 3 {
		t.Errorf("next dump: %d sockets, %v; want 3", len(got), err)
	}
	if len(f.queue) != 0 {
		t.Errorf("%d datagrams left", len(f.queue))
	}
}

func TestDump_malformed(t *testing.T) {
	lying := func(request []byte) []byte {
		b := reply(request, typeDumpBoth, flagMulti, encode(sample(1)))
		binary.NativeEndian.PutUint32(b, uint32(len(b)+4))
		return b
	}
	tests := []struct {
		name  string
		reply func(request []byte) []byte
		skip  bool
	}{
		{"length beyond the end", lying, false},
		{"length below the header", func(r []byte) []byte { b := lying(r); binary.NativeEndian.PutUint32(b, 3); return b }, false},
		{"cut header", func(r []byte) []byte { return lying(r)[:7] }, false},
		{"short socket", func(r []byte) []byte { return reply(r, typeDumpBoth, flagMulti, encode(sample(1))[:71]) }, true},
		{"unknown family", func(r []byte) []byte {
			s := sample(1)
			s.Family = 77
			return reply(r, typeDumpBoth, flagMulti, encode(s))
		}, true},
		{"short verdict", func(r []byte) []byte { return reply(r, typeError, 0, []byte{1, 2}) }, false},
		{"positive error", func(r []byte) []byte { return reply(r, typeError, 0, []byte{0, 0, 1, 0, 0, 0, 0, 0}) }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, _ := dial(t, func(request []byte) [][]byte { return [][]byte{test.reply(request), done(request, 0, 0)} })
			stats, err := c.Dump(t.Context(), Query{}, func(*tcp.Socket) error { t.Error("visited"); return nil })
			if test.skip && (err != nil || stats.Malformed != 1) {
				t.Errorf("stats %+v, %v; want one malformed message skipped", stats, err)
			}
			if !test.skip && !errors.Is(err, ErrMalformed) {
				t.Errorf("error %v, want ErrMalformed", err)
			}
		})
	}
}

// TestDump_truncated: a datagram that ends anywhere but between two messages is never taken for a shorter table.
func TestDump_truncated(t *testing.T) {
	whole := 0
	for cut := 1; ; cut++ {
		var first, size int
		c, _ := dial(t, func(request []byte) [][]byte {
			one := reply(request, typeDumpBoth, flagMulti, encode(sample(1)))
			b := slices.Concat(one, reply(request, typeDumpBoth, flagMulti, encode(sample(2))))
			first, size = len(one), len(b)
			return [][]byte{b[:min(cut, size)], done(request, 0, 0)}
		})
		visited := 0
		stats, err := c.Dump(t.Context(), Query{}, func(*tcp.Socket) error { visited++; return nil })
		switch {
		case cut >= size:
			if visited != 2 || err != nil || whole != 1 {
				t.Errorf("%d sockets, %v; %d cuts were between messages", visited, err, whole)
			}
			return
		case cut == first:
			whole++
		case !errors.Is(err, ErrMalformed) && stats.Malformed == 0:
			t.Errorf("cut at %d of %d: %d sockets, %+v, and no error", cut, size, visited, stats)
		}
	}
}

// TestErrors pins which errors each method's callers can test for.
func TestErrors(t *testing.T) {
	methods := map[string]func(*Conn) error{
		"dump":    func(c *Conn) error { _, err := c.Dump(t.Context(), Query{}, nil); return err },
		"get":     func(c *Conn) error { return c.Get(t.Context(), sample(1), 0, new(tcp.Socket)) },
		"destroy": func(c *Conn) error { return c.Destroy(t.Context(), sample(1)) },
		"each destroy": func(c *Conn) error {
			var one error
			err := c.DestroyEach(t.Context(), several(1), func(_ int, err error) { one = err })
			return errors.Join(err, one)
		},
		"each get": func(c *Conn) error {
			var one error
			err := c.GetEach(t.Context(), several(1), 0, func(_ int, _ *tcp.Socket, err error) { one = err })
			return errors.Join(err, one)
		},
	}
	errnos := map[syscall.Errno]error{
		syscall.ENOENT: fs.ErrNotExist, syscall.EPERM: fs.ErrPermission, syscall.EOPNOTSUPP: errors.ErrUnsupported, syscall.EINVAL: syscall.EINVAL,
	}
	for name, call := range methods {
		op := strings.TrimPrefix(name, "each ")
		for errno, sentinel := range errnos {
			c, _ := dial(t, func(request []byte) [][]byte { return [][]byte{verdict(request, errno)} })
			err := call(c)
			var opErr *OpError
			if !errors.As(err, &opErr) || opErr.Op != op || opErr.Err != errno || !errors.Is(err, sentinel) {
				t.Errorf("%s, kernel says %v: %#v", op, errno, err)
			}
			if errors.As(err, new(*os.SyscallError)) {
				t.Errorf("%s: the kernel's answer %v looks like a failed call", op, err)
			}
		}
		c, f := dial(t, func([]byte) [][]byte { return nil })
		f.sendErr = os.NewSyscallError("write", syscall.ENOBUFS)
		if err := call(c); !errors.As(err, new(*os.SyscallError)) || !errors.Is(err, syscall.ENOBUFS) {
			t.Errorf("%s with a failing call: %#v", op, err)
		}
	}
}

func TestDestroy(t *testing.T) {
	c, f := dial(t, func(request []byte) [][]byte { return [][]byte{verdict(request, 0)} })
	if err := c.Destroy(t.Context(), sample(1)); err != nil {
		t.Fatal(err)
	}
	m, _, _ := nextMessage(f.sent[0])
	if m.typ != typeDestroy || m.flags != flagRequest|flagAck {
		t.Errorf("type %d flags %#x, want an acknowledged SOCK_DESTROY", m.typ, m.flags)
	}
	id := m.body[8 : 8+idSize]
	if got := binary.NativeEndian.Uint64(append(slices.Clone(id[40:44]), id[44:48]...)); tcp.Cookie(got) != sample(1).Cookie && !bigEndian() {
		t.Errorf("cookie %#x, want %v", got, sample(1).Cookie)
	}
}

func bigEndian() bool { return binary.NativeEndian.Uint16([]byte{0, 1}) == 1 }

func TestExtendedAck(t *testing.T) {
	c, _ := dial(t, func(request []byte) [][]byte {
		refusal, _, err := nextMessage(verdict(request, syscall.EINVAL))
		if err != nil {
			t.Fatal(err)
		}
		body := append(slices.Clone(refusal.body), attr(extAckAttrWords, []byte("bad filter\x00")...)...)
		return [][]byte{reply(request, typeError, flagCapped|flagAckTLVs, body)}
	})
	_, err := c.Dump(t.Context(), Query{}, nil)
	if err == nil || !strings.Contains(err.Error(), `"bad filter"`) {
		t.Errorf("error %v, want the kernel's words in it", err)
	}
}

func TestContext(t *testing.T) {
	c, _ := dial(t, func([]byte) [][]byte { return nil }) // a kernel that never answers
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, err := c.Dump(ctx, Query{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestGet_staleReplies(t *testing.T) {
	c, _ := dial(t, func(request []byte) [][]byte {
		stale := slices.Clone(request)
		binary.NativeEndian.PutUint32(stale[8:], seqOf(request)-1)
		return [][]byte{reply(stale, typeByFamily, 0, encode(sample(9))), reply(request, typeByFamily, 0, encode(sample(1)))}
	})
	var got tcp.Socket
	if err := c.Get(t.Context(), sample(1), 0, &got); err != nil || !cmp.Equal(got, *sample(1), compareSockets) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// requestsIn splits a datagram into its requests, so that a fake kernel can answer each.
func requestsIn(t *testing.T, datagram []byte) (list [][]byte) {
	t.Helper()
	for rest := datagram; len(rest) > 0; {
		before := rest
		_, after, err := nextMessage(rest)
		if err != nil {
			t.Fatal(err)
		}
		list, rest = append(list, before[:len(before)-len(after)]), after
	}
	return list
}

// several are sockets numbered from 0.
func several(n int) []*tcp.Socket {
	list := make([]*tcp.Socket, n)
	for i := range list {
		list[i] = sample(i)
	}
	return list
}

// acknowledged is the verdict of success for a request that wants one.
func acknowledged(request []byte) [][]byte {
	if m, _, _ := nextMessage(request); m.flags&flagAck == 0 {
		return nil
	}
	return [][]byte{verdict(request, 0)}
}

// TestDestroyEach: silence is success, a refusal belongs to the socket it is about, also where numbers go round, and one request in a datagram asks for the end.
func TestDestroyEach(t *testing.T) {
	for _, n := range []int{0, 1, together - 1, together, together + 1, 3*together + 5} {
		number := 0
		c, f := dial(t, nil)
		f.answer = func(datagram []byte) (answers [][]byte) {
			list := requestsIn(t, datagram)
			for i, request := range list {
				m, _, _ := nextMessage(request)
				if wants := m.flags&flagAck != 0; m.typ != typeDestroy || wants != (i == len(list)-1) {
					t.Errorf("request %d of %d: type %d, flags %#x", i, len(list), m.typ, m.flags)
				}
				switch number++; {
				case number%5 == 0:
					answers = append(answers, verdict(request, syscall.ENOENT))
				default:
					answers = append(answers, acknowledged(request)...)
				}
			}
			return answers
		}
		c.seq = ^uint32(0) - 40
		told := 0
		err := c.DestroyEach(t.Context(), several(n), func(i int, err error) {
			if told++; errors.Is(err, fs.ErrNotExist) != (i%5 == 4) || err != nil && i%5 != 4 {
				t.Errorf("%d of %d: %v", i, n, err)
			}
		})
		if err != nil || told != n || len(f.sent) != (n+together-1)/together {
			t.Errorf("%v; told of %d of %d, in %d datagrams", err, told, n, len(f.sent))
		}
	}
}

// TestGetEach: each socket is the one that was asked for, whatever tails of older answers come between, and one without an answer is no socket.
func TestGetEach(t *testing.T) {
	const n = together + 3
	c, f := dial(t, nil)
	number := 0
	f.answer = func(datagram []byte) (answers [][]byte) {
		for _, request := range requestsIn(t, datagram) {
			stale := slices.Clone(request)
			binary.NativeEndian.PutUint32(stale[8:], seqOf(request)-2*together)
			answers = append(answers, reply(stale, typeByFamily, 0, encode(sample(99))))
			switch number % 4 {
			case 0:
				answers = append(answers, verdict(request, syscall.ENOENT))
			case 1: // silence
				answers = append(answers, acknowledged(request)...)
			default:
				answers = append(append(answers, reply(request, typeByFamily, 0, encode(sample(number)))), acknowledged(request)...)
			}
			number++
		}
		return answers
	}
	c.seq = 1000
	told := 0
	err := c.GetEach(t.Context(), several(n), 0, func(i int, found *tcp.Socket, err error) {
		told++
		switch i % 4 {
		case 0:
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%d: %v", i, err)
			}
		case 1:
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%d: %v", i, err)
			}
		default:
			if err != nil || !cmp.Equal(*found, *sample(i), compareSockets) {
				t.Errorf("%d: %+v, %v", i, found, err)
			}
		}
	})
	if err != nil || told != n {
		t.Errorf("%v; told of %d of %d", err, told, n)
	}
}

func TestEvents(t *testing.T) {
	s := sample(4)
	s.State, s.Inode, s.Timer = tcp.Closed, 0, tcp.Timer{}
	request := appendHeader(nil, 0, 0, 0)
	f := &fakeTransport{interrupted: make(chan struct{}), queue: [][]byte{
		slices.Concat(reply(request, typeNoop, 0, nil), reply(request, typeByFamily, 0, encode(s)[:10]), reply(request, typeByFamily, 0, encode(s))),
	}}
	e := newEvents(f)
	var got tcp.Socket
	if err := e.Receive(t.Context(), &got); err != nil || !cmp.Equal(got, *s, compareSockets) {
		t.Errorf("got %+v, %v; want %+v", got, err, *s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if err := e.Receive(ctx, &got); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
