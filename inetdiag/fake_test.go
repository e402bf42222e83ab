package inetdiag

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/closewait/closewait/tcp"
)

// kernel is a fake at the level of messages: it is given each request and answers with datagrams.
type kernel func(request []byte) [][]byte

// fakeTransport delivers what a kernel answers. Without an answer left a receive waits for the interruption, as a real one would.
type fakeTransport struct {
	answer      kernel
	queue       [][]byte
	interrupted chan struct{}
	sendErr     error
	sent        [][]byte
}

func (f *fakeTransport) send(b []byte) error {
	f.sent = append(f.sent, slices.Clone(b))
	f.queue = append(f.queue, f.answer(b)...)
	return f.sendErr
}

func (f *fakeTransport) receive(b []byte) (int, error) {
	if len(f.queue) == 0 {
		select {
		case <-f.interrupted:
			return 0, os.ErrDeadlineExceeded
		case <-time.After(5 * time.Second):
			return 0, errors.New("the fake kernel was asked for more than it has")
		}
	}
	n := copy(b, f.queue[0])
	f.queue = f.queue[1:]
	return n, nil
}

func (f *fakeTransport) interrupt() func() {
	close(f.interrupted)
	return func() { f.interrupted = make(chan struct{}) }
}

func (f *fakeTransport) close() error { return nil }

func dial(t *testing.T, k kernel) (*Conn, *fakeTransport) {
	t.Helper()
	f := &fakeTransport{answer: k, interrupted: make(chan struct{})}
	return newConn(f), f
}

func seqOf(request []byte) uint32 { return binary.NativeEndian.Uint32(request[8:]) }

// reply builds one message in answer to request.
func reply(request []byte, typ, flags uint16, body []byte) []byte {
	b := appendHeader(nil, typ, flags, seqOf(request))
	b = finish(append(b, body...), 0)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func verdict(request []byte, errno syscall.Errno) []byte {
	body := binary.NativeEndian.AppendUint32(nil, uint32(-int32(errno)))
	return reply(request, typeError, flagCapped, append(body, request[:headerSize]...))
}

func done(request []byte, flags uint16, code int32) []byte {
	return reply(request, typeDone, flagMulti|flags, binary.NativeEndian.AppendUint32(nil, uint32(code)))
}

// encode is the inverse of Decode for the facts tests use.
func encode(s *tcp.Socket, attrs ...[]byte) []byte {
	b := []byte{byte(s.Family), byte(s.State), byte(s.Timer.Kind), s.Timer.Count}
	b = appendID(b, s)
	b = binary.NativeEndian.AppendUint32(b, uint32(s.Timer.Expires/time.Millisecond))
	for _, word := range []uint32{s.RecvQueue, s.SendQueue, s.UID, s.Inode} {
		b = binary.NativeEndian.AppendUint32(b, word)
	}
	return append(b, slices.Concat(attrs...)...)
}

func attr(typ uint16, value ...byte) []byte { return appendAttr(nil, typ, value) }

// sample is a socket whose every fixed field differs from zero.
func sample(n int) *tcp.Socket {
	return &tcp.Socket{
		Family: tcp.IPv4, State: tcp.CloseWait,
		Timer:     tcp.Timer{Kind: tcp.TimerRetransmit, Count: 3, Expires: 110840 * time.Millisecond},
		Local:     tcp.MustParseEndpoint("192.0.2.1:80"),
		Peer:      tcp.EndpointFrom(netip.MustParseAddr("198.51.100.7"), uint16(1000+n)),
		Interface: 2, Cookie: 0x1_0000_0000 + tcp.Cookie(n), Inode: uint32(5000 + n), UID: 33, RecvQueue: 1, SendQueue: 200,
	}
}
