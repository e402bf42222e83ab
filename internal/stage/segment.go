package stage

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"time"
)

// Segment is one TCP segment on a network device.
type Segment struct {
	At time.Time
	// Sent says that it left this network, or that one end of a loopback connection sent it.
	Sent          bool
	From, To      netip.AddrPort
	Seq, Ack      uint32
	Len           int // bytes of data
	Window        uint16
	FIN, SYN, RST bool
	ACK, PSH      bool
}

// Flags returns the flags as tcpdump writes them: "S", "F.", "P.", ".".
func (s Segment) Flags() string {
	var b strings.Builder
	for _, f := range []struct {
		set  bool
		name byte
	}{{s.FIN, 'F'}, {s.SYN, 'S'}, {s.RST, 'R'}, {s.PSH, 'P'}, {s.ACK, '.'}} {
		if f.set {
			b.WriteByte(f.name)
		}
	}
	return b.String()
}

// DecodeSegment reads a packet that begins with its IP header. It reports false for what is no whole TCP header in IPv4 or IPv6 without extensions.
func DecodeSegment(packet []byte) (Segment, bool) {
	if len(packet) == 0 {
		return Segment{}, false
	}
	switch packet[0] >> 4 {
	case 4:
		return decode4(packet)
	case 6:
		return decode6(packet)
	}
	return Segment{}, false
}

const protocolTCP = 6

func decode4(p []byte) (Segment, bool) {
	if len(p) < 20 {
		return Segment{}, false
	}
	header, total := int(p[0]&15)*4, int(binary.BigEndian.Uint16(p[2:]))
	if header < 20 || p[9] != protocolTCP || total < header {
		return Segment{}, false
	}
	return decodeTCP(p, header, total-header, netip.AddrFrom4([4]byte(p[12:16])), netip.AddrFrom4([4]byte(p[16:20])))
}

func decode6(p []byte) (Segment, bool) {
	if len(p) < 40 || p[6] != protocolTCP {
		return Segment{}, false
	}
	return decodeTCP(p, 40, int(binary.BigEndian.Uint16(p[4:])), netip.AddrFrom16([16]byte(p[8:24])), netip.AddrFrom16([16]byte(p[24:40])))
}

// decodeTCP reads the segment at an offset. length is what IP says of it: captures may be cut.
func decodeTCP(p []byte, offset, length int, from, to netip.Addr) (Segment, bool) {
	if len(p) < offset+20 {
		return Segment{}, false
	}
	t := p[offset:]
	header := int(t[12]>>4) * 4
	if header < 20 || length < header {
		return Segment{}, false
	}
	flags := t[13]
	return Segment{
		From: netip.AddrPortFrom(from, binary.BigEndian.Uint16(t)), To: netip.AddrPortFrom(to, binary.BigEndian.Uint16(t[2:])),
		Seq: binary.BigEndian.Uint32(t[4:]), Ack: binary.BigEndian.Uint32(t[8:]), Window: binary.BigEndian.Uint16(t[14:]), Len: length - header,
		FIN: flags&1 != 0, SYN: flags&2 != 0, RST: flags&4 != 0, PSH: flags&8 != 0, ACK: flags&16 != 0,
	}, true
}
