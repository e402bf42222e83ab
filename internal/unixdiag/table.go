package unixdiag

import "github.com/closewait/closewait/internal/look"

// Table is which sockets of unix domain streams are connected to which at one moment.
type Table struct {
	byInode   map[uint32]socket
	queued    map[uint32]socket // the listener in whose queue a connection waits, by the inode of who connected
	listeners map[string][]uint32
}

func newTable() *Table {
	return &Table{map[uint32]socket{}, map[uint32]socket{}, map[string][]uint32{}}
}

func (t *Table) add(body []byte) {
	s, ok := decode(body)
	switch {
	case !ok:
	case s.listens:
		t.listeners[s.name] = append(t.listeners[s.name], s.inode)
		for _, inode := range s.queued {
			t.queued[inode] = s
		}
	default:
		t.byInode[s.inode] = s
	}
}

// Of returns what an established socket is connected to; ok is false where the table does not tell. An end that was accepted bears the name of its listener, the other as a rule none. Of a connection that waits to
// be accepted the table of the listener's namespace tells.
func (t *Table) Of(inode uint32) (u look.Unix, ok bool) {
	if l, queued := t.queued[inode]; queued {
		return look.Unix{Queued: true, Connected: true, Path: l.name, Listener: l.inode}, true
	}
	own, ok := t.byInode[inode]
	if !ok || own.peer == 0 {
		return u, false
	}
	u = look.Unix{Peer: own.peer, Path: own.name}
	peer, known := t.byInode[own.peer]
	if !known {
		return u, true
	}
	u.Unread = peer.unread
	if own.name == "" && peer.name != "" {
		u.Connected, u.Path = true, peer.name
		if who := t.listeners[peer.name]; len(who) == 1 { // containers can have the same path each
			u.Listener = who[0]
		}
	}
	return u, true
}
