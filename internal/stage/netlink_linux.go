package stage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// request is a netlink request under construction: header, fixed part, attributes.
type request struct{ bytes []byte }

// newRequest begins a request that creates or replaces something and wants an acknowledgement. The fixed part is a structure of package unix.
func newRequest(kind, flags uint16, fixed any) *request {
	r := &request{make([]byte, unix.SizeofNlMsghdr)}
	binary.NativeEndian.PutUint16(r.bytes[4:], kind)
	binary.NativeEndian.PutUint16(r.bytes[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|flags)
	r.append(fixed)
	return r
}

func (r *request) append(data any) {
	var err error
	if r.bytes, err = binary.Append(r.bytes, binary.NativeEndian, data); err != nil {
		panic(err) // not of fixed size: a mistake in this package
	}
}

// attribute appends an attribute whose payload is what fill appends.
func (r *request) attribute(kind uint16, fill func()) {
	start := len(r.bytes)
	r.append([]uint16{0, kind})
	fill()
	binary.NativeEndian.PutUint16(r.bytes[start:], uint16(len(r.bytes)-start))
	for len(r.bytes)%unix.NLMSG_ALIGNTO != 0 {
		r.bytes = append(r.bytes, 0)
	}
}

func (r *request) put(kind uint16, data any) { r.attribute(kind, func() { r.append(data) }) }

// finish returns the request with its length.
func (r *request) finish() []byte {
	binary.NativeEndian.PutUint32(r.bytes, uint32(len(r.bytes)))
	return r.bytes
}

// send sends the request to rtnetlink from the calling thread's namespace and returns the kernel's verdict.
func (r *request) send() error { return exchange(unix.NETLINK_ROUTE, r.finish()) }

// exchange sends requests to a part of the kernel and returns the first error it answers. All answers have come before sendto returns.
func exchange(protocol int, requests []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, requests, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	answer := make([]byte, 4096)
	for answered := false; ; answered = true {
		n, _, err := unix.Recvfrom(fd, answer, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EAGAIN && answered:
			return nil
		case err != nil:
			return os.NewSyscallError("recvfrom", err)
		}
		if err := verdict(answer[:n]); err != nil {
			return err
		}
	}
}

func verdict(answer []byte) error {
	if len(answer) < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return fmt.Errorf("netlink: answer of %d bytes is no acknowledgement", len(answer))
	}
	if errno := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); errno != 0 {
		return unix.Errno(-errno)
	}
	return nil
}

// newVeth makes both ends of a cable: one in the calling thread's namespace, one in the namespace with descriptor far.
func newVeth(device string, near, far [6]byte, farNamespace int) error {
	const vethInfoPeer = 1 // VETH_INFO_PEER, include/uapi/linux/veth.h
	r := newRequest(unix.RTM_NEWLINK, unix.NLM_F_EXCL, &unix.IfInfomsg{})
	r.put(unix.IFLA_IFNAME, []byte(device+"\x00"))
	r.put(unix.IFLA_ADDRESS, near)
	r.attribute(unix.IFLA_LINKINFO, func() {
		r.put(unix.IFLA_INFO_KIND, []byte("veth"))
		r.attribute(unix.IFLA_INFO_DATA, func() {
			r.attribute(vethInfoPeer, func() {
				r.append(&unix.IfInfomsg{})
				r.put(unix.IFLA_IFNAME, []byte(device+"\x00"))
				r.put(unix.IFLA_ADDRESS, far)
				r.put(unix.IFLA_NET_NS_FD, uint32(farNamespace))
			})
		})
	})
	if err := r.send(); err != nil {
		return fmt.Errorf("make a veth pair: %w", err)
	}
	return nil
}

// addAddress gives a device an address; IPv6 addresses without duplicate address detection, which would hold them back for a second.
func addAddress(index int, address []byte, bits uint8) error {
	fixed := &unix.IfAddrmsg{Family: familyOf(address), Prefixlen: bits, Index: uint32(index)}
	if fixed.Family == unix.AF_INET6 {
		fixed.Flags = unix.IFA_F_NODAD
	}
	r := newRequest(unix.RTM_NEWADDR, unix.NLM_F_EXCL, fixed)
	r.put(unix.IFA_LOCAL, address)
	r.put(unix.IFA_ADDRESS, address)
	return r.send()
}

// setNeighbour pins the link layer address of a neighbour.
func setNeighbour(index int, address []byte, hardware [6]byte) error {
	r := newRequest(unix.RTM_NEWNEIGH, unix.NLM_F_REPLACE, &unix.NdMsg{
		Family: familyOf(address), Ifindex: int32(index), State: unix.NUD_PERMANENT,
	})
	r.put(unix.NDA_DST, address)
	r.put(unix.NDA_LLADDR, hardware)
	return r.send()
}

// removeNeighbour forgets the link layer address of a neighbour.
func removeNeighbour(index int, address []byte) error {
	r := newRequest(unix.RTM_DELNEIGH, 0, &unix.NdMsg{Family: familyOf(address), Ifindex: int32(index)})
	r.put(unix.NDA_DST, address)
	return r.send()
}

// removeAddress takes an address from a device.
func removeAddress(index int, address []byte, bits uint8) error {
	r := newRequest(unix.RTM_DELADDR, 0, &unix.IfAddrmsg{Family: familyOf(address), Prefixlen: bits, Index: uint32(index)})
	r.put(unix.IFA_LOCAL, address)
	r.put(unix.IFA_ADDRESS, address)
	return r.send()
}

// addRoute adds a route of a kind that discards (unix.RTN_BLACKHOLE and its like) to one address.
func addRoute(kind uint8, address []byte) error {
	fixed := &unix.RtMsg{
		Family: familyOf(address), Dst_len: uint8(8 * len(address)), Table: unix.RT_TABLE_MAIN, Protocol: unix.RTPROT_STATIC, Type: kind,
	}
	r := newRequest(unix.RTM_NEWROUTE, unix.NLM_F_REPLACE, fixed)
	r.put(unix.RTA_DST, address)
	return r.send()
}

func familyOf(address []byte) uint8 {
	if len(address) == 4 {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// Absent reports whether an error says that the kernel was built without what was asked for.
func Absent(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EPROTONOSUPPORT)
}
