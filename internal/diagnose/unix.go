package diagnose

import (
	"slices"

	"github.com/closewait/closewait/internal/look"
)

// wait is a connection on whose other end something waits: one of TCP, which has a place, or one of a unix domain, which never leaves the host; or a child that is waited for.
type wait struct {
	place
	inode uint32     // of the socket of a unix domain
	unix  *look.Unix // what that is connected to, nil for TCP
	child int        // 0 for a connection
}

// onHost reports whether it is none of TCP.
func (w wait) onHost() bool { return w.unix != nil || w.child != 0 }

// awaitedEnd is the other end of what is waited on, and who has it or should accept it.
type awaitedEnd struct {
	far
	inode   uint32
	holders []look.Holder
}

// unix returns what a socket of a unix domain is connected to, nil where it is none or that is not known.
func (sc *scene) unix(inode uint32) *look.Unix {
	if u := sc.now.Unix[inode]; u.End() != 0 {
		return &u
	}
	return nil
}

// behind finds who is waited for; ok is false where no look shows that.
func (sc *scene) behind(w wait) (b awaitedEnd, ok bool) {
	switch {
	case w.child != 0:
		return awaitedEnd{far{scene: sc}, 0, []look.Holder{{PID: w.child}}}, true
	case w.unix != nil:
		return awaitedEnd{far{scene: sc}, w.unix.End(), sc.answering(w.unix)}, true
	}
	if b.far, ok = sc.end(w.netns, sc.at(w.place)); !ok {
		return b, false
	}
	b.inode = b.socket().Inode
	b.holders, _ = b.scene.holders(b.socket())
	return b, true
}

// answering returns who has the other end. A listener is held by those as well that started the workers and accept nothing: where some are at something, these should have come to it. A command
// that one of them has started and waits for has it by accident.
func (sc *scene) answering(u *look.Unix) []look.Holder {
	all := sc.now.Holders.Of(u.End())
	holders := slices.DeleteFunc(slices.Clone(all), func(h look.Holder) bool { return sc.onErrand(sc.doing(h.PID), all) })
	idle := func(h look.Holder) bool { d := sc.doing(h.PID); return d.halted == "" && len(d.off) == 0 }
	if rest := slices.DeleteFunc(slices.Clone(holders), idle); u.Queued && len(rest) > 0 {
		return rest
	}
	return holders
}

// inodeOf returns the inode of the socket on which something waits, 0 where that is a child.
func (sc *scene) inodeOf(w wait) uint32 {
	if w.onHost() {
		return w.inode
	}
	return sc.at(w.place).Inode
}

// waits returns the connections on which the threads of a process wait that are off, and the children.
func (sc *scene) waits(d *doing) []wait { return sc.waitsOf(d, d.off) }

func (sc *scene) waitsOf(d *doing, threads []worker) (list []wait) {
	for _, w := range threads {
		if w.what == busy {
			continue
		}
		for _, pid := range sc.awaitedChildren(d, w.call) {
			list = append(list, wait{child: pid})
		}
		if p, ok := sc.placeOf(w.call.Inode); ok {
			list = append(list, wait{place: p})
		} else if u := sc.unix(w.call.Inode); u != nil && !sc.has(d, u.End()) && !sc.given(d, w.call) { // one thread tells another
			list = append(list, wait{inode: w.call.Inode, unix: u})
		}
	}
	return list
}

// has reports whether a process holds a socket.
func (sc *scene) has(d *doing, inode uint32) bool {
	return sc.now.Holders.Any(inode, func(h look.Holder) bool { return h.PID == d.process.PID })
}

// addressOfUnix says which connection of a unix domain it is.
func addressOfUnix(u *look.Unix) string {
	if u.Path == "" {
		return "a unix socket"
	}
	return "the unix socket " + u.Path
}
