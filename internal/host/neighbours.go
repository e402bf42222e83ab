package host

import (
	"context"
	"iter"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/neighbour"
	"github.com/closewait/closewait/tcp"
)

// mostWays bounds for how many peers of a namespace the next hop is looked up.
const mostWays = 4096

// neighbours asks what is known of the next hops of those sockets of a namespace that wait for an answer. conn is nil where nobody is to be asked. What fails leaves them unknown.
func (v *visit) neighbours(ctx context.Context, conn *neighbour.Conn, found *look.Namespace, sockets iter.Seq[*tcp.Socket]) {
	if conn == nil {
		return
	}
	ways := map[neighbour.Way][]tcp.Cookie{}
	for s := range sockets {
		if !unanswered(s) {
			continue
		}
		w := neighbour.Way{From: s.Local.Addr(), To: s.Peer.Addr(), Device: s.Interface}
		if _, known := ways[w]; known || len(ways) < mostWays {
			ways[w] = append(ways[w], s.Cookie)
		}
	}
	if len(ways) == 0 {
		return
	}
	table, err := conn.Table(ctx)
	if err != nil || table.Empty() {
		return
	}
	read := v.host.now().Sub(found.ReadAt)
	senders := map[neighbour.Route][]tcp.Cookie{}
	for w, cookies := range ways {
		if r, ok, err := conn.Route(ctx, w); err == nil && ok {
			senders[r] = append(senders[r], cookies...)
		}
	}
	for r, cookies := range senders {
		n, ok := table.Of(r)
		if !ok {
			continue
		}
		// What happened between the dump and now was not so at the moment that is looked at.
		if n.Since -= read; n.Since < 0 {
			n.Since = 0
		}
		n.Shared = len(cookies) > 1
		for _, cookie := range cookies {
			if found.Neighbours == nil {
				found.Neighbours = map[tcp.Cookie]look.Neighbour{}
			}
			found.Neighbours[cookie] = n
		}
	}
}

// unanswered says whether what a socket sent may be waiting for its next hop: something is unanswered, of a connection request or beyond the first time-out.
func unanswered(s *tcp.Socket) bool {
	if s.Timer.Kind != tcp.TimerRetransmit || s.Peer.Addr().IsLoopback() {
		return false
	}
	retransmits, _ := s.Info.Uint(tcp.Retransmits)
	return retransmits > 0 || s.State == tcp.SynSent
}

// openNeighbours connects to where neighbours are asked about, nil where forecasts are not wanted or that cannot be had.
func (v *visit) openNeighbours() *neighbour.Conn {
	if !v.request.Options && v.request.Each == nil {
		return nil
	}
	conn, err := neighbour.Open()
	if err != nil {
		return nil
	}
	return conn
}
