package record

import (
	"math"
	"strings"

	"github.com/closewait/closewait/tcp"
)

// reading is how ss prints a field of tcp_info.
type reading uint8

const (
	plain     reading = iota // a number in the field's own unit
	millis                   // milliseconds with a fraction, of a field in microseconds
	truncated                // whole milliseconds with "ms", of a field in microseconds; a percentage may follow
	pair                     // two fields with "/" between
	bits                     // bits per second, of a field in bytes per second
)

// infoField is a field as ss prints it. ss and kernel are the versions (major*100+minor) that print and send it first; absent is its value when it is left
// out, valid unless neverFilled.
type infoField struct {
	key         string
	field       tcp.Field
	as          reading
	ss, kernel  uint16
	absent      uint64
	neverFilled bool
}

// infoFields are in the order in which every version of ss prints them (tcp_stats_print).
var infoFields = [...]infoField{
	{key: "rto", field: tcp.RTO, as: millis, ss: 206, kernel: 206, absent: 3_000_000},
	{key: "backoff", field: tcp.Backoff, ss: 317, kernel: 206},
	{key: "rtt", field: tcp.RTT, as: pair, ss: 206, kernel: 206},
	{key: "ato", field: tcp.ATO, as: millis, ss: 206, kernel: 206},
	{key: "mss", field: tcp.SndMSS, ss: 305, kernel: 206},
	{key: "pmtu", field: tcp.PMTU, ss: 415, kernel: 206},
	{key: "rcvmss", field: tcp.RcvMSS, ss: 410, kernel: 206},
	{key: "advmss", field: tcp.AdvMSS, ss: 410, kernel: 206},
	{key: "cwnd", field: tcp.SndCwnd, ss: 206, kernel: 206, neverFilled: true},         // hidden at 2 by old versions
	{key: "ssthresh", field: tcp.SndSSThresh, ss: 206, kernel: 206, neverFilled: true}, // hidden from 65535 up
	{key: "bytes_sent", field: tcp.BytesSent, ss: 420, kernel: 419},
	{key: "bytes_retrans", field: tcp.BytesRetrans, ss: 420, kernel: 419},
	{key: "bytes_acked", field: tcp.BytesAcked, ss: 402, kernel: 401},
	{key: "bytes_received", field: tcp.BytesReceived, ss: 402, kernel: 401},
	{key: "segs_out", field: tcp.SegsOut, ss: 402, kernel: 402},
	{key: "segs_in", field: tcp.SegsIn, ss: 402, kernel: 402},
	{key: "data_segs_out", field: tcp.DataSegsOut, ss: 407, kernel: 406},
	{key: "data_segs_in", field: tcp.DataSegsIn, ss: 407, kernel: 406},
	{key: "lastsnd", field: tcp.LastDataSent, ss: 317, kernel: 206},
	{key: "lastrcv", field: tcp.LastDataRecv, ss: 317, kernel: 206},
	{key: "lastack", field: tcp.LastAckRecv, ss: 317, kernel: 206},
	{key: "pacing_rate", field: tcp.PacingRate, as: bits, ss: 315, kernel: 315, neverFilled: true}, // hidden when unlimited
	{key: "delivery_rate", field: tcp.DeliveryRate, as: bits, ss: 410, kernel: 409},
	{key: "delivered", field: tcp.Delivered, ss: 420, kernel: 418},
	{key: "delivered_ce", field: tcp.DeliveredCE, ss: 420, kernel: 418},
	{key: "busy", field: tcp.BusyTime, as: truncated, ss: 410, kernel: 410},
	{key: "rwnd_limited", field: tcp.RwndLimited, as: truncated, ss: 410, kernel: 410},
	{key: "sndbuf_limited", field: tcp.SndbufLimited, as: truncated, ss: 410, kernel: 410},
	{key: "unacked", field: tcp.Unacked, ss: 310, kernel: 206},
	{key: "retrans", field: tcp.Retrans, as: pair, ss: 310, kernel: 206},
	{key: "lost", field: tcp.Lost, ss: 310, kernel: 206},
	{key: "sacked", field: tcp.Sacked, ss: 310, kernel: 206},
	{key: "dsack_dups", field: tcp.DSACKDups, ss: 420, kernel: 419},
	{key: "reordering", field: tcp.Reordering, ss: 310, kernel: 206, absent: 3},
	{key: "reord_seen", field: tcp.ReordSeen, ss: 420, kernel: 419},
	{key: "rcv_rtt", field: tcp.RcvRTT, as: millis, ss: 206, kernel: 206},
	{key: "rcv_space", field: tcp.RcvSpace, ss: 206, kernel: 206},
	{key: "rcv_ssthresh", field: tcp.RcvSSThresh, ss: 415, kernel: 206},
	{key: "notsent", field: tcp.NotSentBytes, ss: 406, kernel: 406},
	{key: "minrtt", field: tcp.MinRTT, as: millis, ss: 406, kernel: 406, neverFilled: true}, // hidden when unknown
	{key: "rcv_ooopack", field: tcp.RcvOOOPack, ss: 518, kernel: 504},
	{key: "snd_wnd", field: tcp.SndWnd, ss: 518, kernel: 504},
	{key: "rcv_wnd", field: tcp.RcvWnd, ss: 606, kernel: 602},
	{key: "rehash", field: tcp.Rehash, ss: 606, kernel: 602},
}

// infoIndex finds a field by its key.
var infoIndex = func() map[string]int {
	index := make(map[string]int, len(infoFields))
	for i := range infoFields {
		index[infoFields[i].key] = i
	}
	return index
}()

// second is the other field of a pair.
func (f *infoField) second() tcp.Field {
	if f.field == tcp.RTT {
		return tcp.RTTVar
	}
	return tcp.TotalRetrans
}

// info reads a field of tcp_info; other keys are passed over.
func (d *detail) info(key, value string) bool {
	i, known := infoIndex[key]
	if !known {
		return true
	}
	f := &infoFields[i]
	d.saw(i)
	switch f.as {
	case millis:
		n, ok := thousandths(value)
		return d.put(f, n, ok)
	case truncated:
		shown := leadingDigits(value)
		n, ok := number(shown, math.MaxInt64/1000)
		return d.put(f, n*1000, ok && strings.HasPrefix(value[len(shown):], "ms"))
	case pair:
		return d.both(f, value)
	case bits:
		return false // printed with a blank, not a colon
	default:
		n, ok := number(value, math.MaxUint64)
		return d.put(f, n, ok)
	}
}

// put makes a field known if it could be read and the kernel's field can hold it: those of bytes and sums of time have 64 bits, the others 32 or less.
func (d *detail) put(f *infoField, value uint64, ok bool) bool {
	limit := uint64(math.MaxUint32)
	switch {
	case f.as == truncated || strings.HasPrefix(f.key, "bytes_"):
		limit = math.MaxUint64
	case f.field == tcp.Backoff:
		limit = math.MaxUint8
	}
	if !ok || value > limit {
		return false
	}
	d.socket.Info.Put(f.field, value)
	return true
}

// saw notes that a field of tcp_info was printed, which proves versions and that the line goes at least so far.
func (d *detail) saw(i int) {
	f, sec := &infoFields[i], &d.section
	sec.shown.info = true
	sec.ss, sec.kernel = max(sec.ss, f.ss), max(sec.kernel, f.kernel)
	width := int32(len(d.text))
	sec.longest = max(sec.longest, width)
	d.mark.line, d.mark.whole, d.mark.last = width, d.whole, max(d.mark.last, uint8(i))
}

// both reads rtt:0.031/0.015 (milliseconds) and retrans:0/3.
func (d *detail) both(f *infoField, value string) bool {
	read := func(text string) (uint64, bool) { return number(text, math.MaxUint32) }
	if f.field == tcp.RTT {
		read = thousandths
	}
	one, two, _ := strings.Cut(value, "/")
	a, ok := read(one)
	b, also := read(two)
	if !ok || !also || a > math.MaxUint32 || b > math.MaxUint32 {
		return false
	}
	d.socket.Info.Put(f.field, a)
	d.socket.Info.Put(f.second(), b)
	return true
}

// rate reads "pacing_rate 241667296016bps/...bps". Without -n ss rounds to three digits, as in "1.2Mbps": such a number is not taken.
func (d *detail) rate(key string, w *words) {
	value := w.peek()
	if !strings.HasSuffix(value, "bps") {
		return
	}
	w.next()
	i, known := infoIndex[key]
	if !known {
		return
	}
	d.saw(i)
	shown := leadingDigits(value)
	if n, ok := number(shown, math.MaxUint64); ok && strings.HasPrefix(value[len(shown):], "bps") && n%8 == 0 && n < 1<<53 {
		d.socket.Info.Put(infoFields[i].field, n/8)
	}
}

// fill puts in the fields that were left out because of their value; see the package comment for when that is certain.
func (p *parser) fill(s *tcp.Socket, m *mark) {
	if m.line == 0 || m.damaged {
		return
	}
	whole := m.whole || m.line < p.section.longest
	p.info.Load(s.Info)
	for i := range infoFields {
		f, shown := &infoFields[i], p.info.Info()
		switch {
		case f.neverFilled || shown.Has(f.field) || f.as == bits && i <= int(m.last):
			// A rate that was printed with three digits is unknown, not zero.
			continue
		case s.State == tcp.Listen && f.field != tcp.Unacked:
			continue // tcp_get_info says nothing of listeners but their accept queue
		case f.ss > p.section.ss || f.kernel > p.section.kernel || i > int(m.last) && !whole:
			continue
		}
		p.info.Put(f.field, f.absent)
		if f.field == tcp.Retrans {
			p.info.Put(tcp.TotalRetrans, 0)
		}
	}
	s.Info = p.infos.Keep(p.info.Info())
}
