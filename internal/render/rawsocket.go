package render

import (
	"strconv"

	"github.com/closewait/closewait/internal/explain"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// path is the diagram of states with those the connection has been in.
func (v *view) path() []line {
	var lines []line
	for i := range v.Rows {
		s := v.Rows[i].Socket
		if i > 0 || s.State == tcp.Listen || s.State == tcp.Bound || s.State == tcp.Closed {
			continue
		}
		for _, l := range explain.Diagram(s.State, v.served(&v.Rows[i])) {
			lines = append(lines, text("  "+l))
		}
	}
	return section("Its way:  (state) it was in   [STATE] it is in", lines)
}

// served says on which side a connection began: whether it came through a listener of this namespace. Without one that is not known: it may have been closed.
func (v *view) served(r *look.Row) explain.Side {
	if r.Socket.Unaccepted() || r.Socket.State == tcp.SynReceived {
		return explain.Accepted
	}
	if r.Netns != nil {
		for i := range r.Netns.Sockets {
			l := &r.Netns.Sockets[i]
			if addr := l.Local.Addr().Unmap(); l.State == tcp.Listen && l.Local.Port() == r.Socket.Local.Port() && (addr.IsUnspecified() || addr == r.Socket.Local.Addr().Unmap()) {
				return explain.Accepted
			}
		}
	}
	if r.Socket.State == tcp.SynSent {
		return explain.Connected
	}
	return explain.SideUnknown
}

// raw lists every field the kernel sent, and the question to ss that gets them.
func (v *view) raw(r *look.Row) []line {
	s := r.Socket
	var lines []line
	put := func(name, value string) {
		lines = append(lines, text("  "+pad(name, 24)+v.text(value)))
	}
	for _, c := range SocketColumns() {
		if value := string(c.TSV(nil, r)); value != string(unknown) {
			put(c.Key, value)
		}
	}
	for f := range tcp.Fields() {
		if n, ok := s.Info.Uint(f); ok {
			put("tcpi_"+f.String(), strconv.FormatUint(n, 10)+unitOf(f.Unit()))
		}
	}
	if s.Has(tcp.HasCongestion) {
		put("congestion control", s.More().Congestion.String())
	}
	if s.Has(tcp.HasMemory) {
		m := s.More().Memory
		put("receive buffer", spoken.Size(uint64(m.ReceiveAllocated))+" of "+spoken.Size(uint64(m.ReceiveLimit)))
		put("send buffer", spoken.Size(uint64(m.SendQueued))+" of "+spoken.Size(uint64(m.SendLimit)))
		put("drops", strconv.FormatUint(uint64(m.Drops), 10))
	}
	command := "ss -tanoiemp 'src " + commandEnd(s.Local.String()) + " and dst " + commandEnd(s.Peer.String()) + "'"
	return append(lines, line{{"  ", plain}, {pad("the same by ss", 24), faint}, {command, pasted}})
}

// commandEnd is an end as ss takes it.
func commandEnd(end string) string { return Clean(end) }

func unitOf(u tcp.Unit) string {
	return map[tcp.Unit]string{tcp.Bytes: " bytes", tcp.BytesPerSecond: " bytes/s", tcp.Microseconds: " us", tcp.Milliseconds: " ms"}[u]
}
