package nstest_test

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/closewait/closewait/internal/nstest"
	"github.com/closewait/closewait/tcp"
	"golang.org/x/sys/unix"
)

// boundSockets asks sock_diag for the state that ss 6.1 does not know. Kernels before 6.8 answer nothing.
func boundSockets(t *testing.T) []nstest.Expected {
	t.Helper()
	return append(dumpBound(t, unix.AF_INET), dumpBound(t, unix.AF_INET6)...)
}

func dumpBound(t *testing.T, family uint8) []nstest.Expected {
	t.Helper()
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	const length = unix.SizeofNlMsghdr + 56 // struct inet_diag_req_v2
	request := make([]byte, length)
	native := binary.NativeEndian
	native.PutUint32(request, length)
	native.PutUint16(request[4:], unix.SOCK_DIAG_BY_FAMILY)
	native.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	request[16], request[17] = family, unix.IPPROTO_TCP
	native.PutUint32(request[20:], uint32(tcp.SetOf(tcp.Bound)))
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Fatal(err)
	}
	var found []nstest.Expected
	for buf := make([]byte, 32<<10); ; {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			t.Fatal(err)
		}
		for part := buf[:n]; len(part) >= unix.SizeofNlMsghdr; part = part[native.Uint32(part):] {
			switch kind := native.Uint16(part[4:]); kind {
			case unix.NLMSG_DONE:
				return found
			case unix.SOCK_DIAG_BY_FAMILY:
				found = append(found, boundSocket(part[unix.SizeofNlMsghdr:]))
			default:
				t.Fatalf("sock_diag answers with a message of type %d: % x", kind, part)
			}
		}
	}
}

// boundSocket reads a struct inet_diag_msg.
func boundSocket(m []byte) nstest.Expected {
	size := 16
	if m[0] == unix.AF_INET {
		size = 4
	}
	address := func(port, addr int) netip.AddrPort {
		a, _ := netip.AddrFromSlice(m[addr : addr+size])
		return netip.AddrPortFrom(a, binary.BigEndian.Uint16(m[port:]))
	}
	native := binary.NativeEndian
	return nstest.Expected{
		Family: tcp.Family(m[0]), State: tcp.State(m[1]), Timer: tcp.TimerKind(m[2]), Local: address(4, 8), Peer: address(6, 24),
		RecvQueue: native.Uint32(m[56:]), SendQueue: native.Uint32(m[60:]), Inode: native.Uint32(m[68:]),
	}
}
