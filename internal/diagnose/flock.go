package diagnose

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// flock is the sockets in CLOSE_WAIT, old enough, that a server accepted on one port or a process made, or any whose holders are not known: what tells a pool that stays as it is from a leak.
type flock struct {
	key   flockKey
	count int
	ages  []time.Duration // of a client's: a server's are judged by their number
	// byPeer are those of a client by server.
	byPeer              map[tcp.Endpoint][]use
	server              bool
	unread              int  // with an answer that was not read
	drains              bool // the program worked some of those off between the looks that it had not read before
	accumulates, judged bool
	unshared            int           // connections made although an earlier one to the same server was idle
	oldest              time.Duration // for how long the first of a client's has existed
	owners              *int          // threads that may each keep one of them, once they were counted
}

// use is when a connection was used last: as times before the look, so the larger is the earlier.
type use struct {
	asked, answered time.Duration
	once            bool
}

// flockKey says whose they are. The workers of a server share what comes to its port, but each has pools of its own.
type flockKey struct {
	netns  int
	owner  int    // of a server's, as ownerIndex numbers them
	pid    int    // of a client's
	server uint16 // port of the listener, 0 for a client
}

// unseen reports whether it is not known whose they are: any number of processes' then.
func (k *flockKey) unseen() bool { return k.pid == 0 && k.server == 0 }

const (
	// several is how many sockets are more than a small pool has.
	several = 10
	// needless is how many connections must have been made needlessly to show that nobody shares them.
	needless = 4
	// crowd is how many sockets of owners that are not seen are more than usual services have workers, of which each may keep one.
	crowd = 50
	// fewSegments is how many segments with payload a single request takes, a TLS handshake included.
	fewSegments = 4
)

// flockOf returns the flock a socket belongs to, nil for none.
func (sc *scene) flockOf(s *subject) *flock {
	if sc.flocks == nil {
		sc.flocks = map[flockKey]*flock{}
		sc.gather()
	}
	key := sc.flockKey(s)
	if sc.flock == nil || sc.flock.key != key {
		sc.flock = sc.flocks[key]
	}
	return sc.flock
}

func (sc *scene) flockKey(s *subject) flockKey {
	key := flockKey{netns: int(s.netns)}
	switch {
	case s.listener != nil:
		key.owner, key.server = sc.owners.of(s), s.listener.Local.Port()
	case s.held():
		key.pid = s.holder(0).PID
	}
	return key
}

// accumulates reports whether sockets like this one become more and more: they have been arriving until now, or each was used once and left while
// earlier ones to the same server were idle.
func (sc *scene) accumulates(s *subject) bool {
	f := sc.flockOf(s)
	if f == nil {
		return false
	}
	if !f.judged {
		f.judged = true
		alone, enough := time.Duration(0), needless
		if f.key.unseen() { // connections of one moment may be one process's: where there are many such moments, processes do not explain them
			alone, enough = idle, several
		}
		for _, uses := range f.byPeer {
			f.unshared += unshared(uses, alone)
		}
		// What a server accepted is of no use again: so many can only have gathered. A client may keep a pool, and each of its threads one of its own.
		counted, grows := sc.counted(f)
		if !sc.oneEach(f) {
			grows = grows || f.unshared >= enough || !counted && arriving(f.ages)
		}
		f.accumulates = f.server && f.count >= several || f.unread >= needless || grows
	}
	return f.accumulates
}

// oneEach reports whether a process has as many threads as connections: each thread may keep its own, which no other uses. That they came one after another tells nothing then; that they are more than the threads does.
func (sc *scene) oneEach(f *flock) bool { return !f.server && f.count <= sc.ownersOf(f) }

// ownersOf counts the threads of a process that may have made one of its connections: neither those of the virtual machine nor any that has not run since before the first was made.
func (sc *scene) ownersOf(f *flock) int {
	if f.owners != nil {
		return *f.owners
	}
	f.owners = new(int)
	if p := sc.now.Processes[f.key.pid]; p != nil && p.Activity != nil {
		*f.owners = p.Activity.ThreadCount
		for i := range p.Activity.Threads {
			if t := &p.Activity.Threads[i]; t.Runtime || t.Resting > f.oldest+within {
				*f.owners--
			}
		}
	}
	return *f.owners
}

// counted reports whether an earlier look has counted the sockets of a flock, and whether they have become more since.
func (sc *scene) counted(f *flock) (counted, grows bool) {
	then, now, over := 0, 0, time.Duration(0)
	for _, c := range sc.now.Growths {
		its := c.PID == f.key.pid || f.server && sc.doing(c.PID).owner == f.key.owner && f.key.owner != 0
		if its && c.State == tcp.CloseWait && c.Port == f.key.server {
			then, now, over = then+c.Then, now+c.Now, c.Over
		}
	}
	return over >= fresh, over >= fresh && now >= several && now-then >= needless
}

// drains reports whether a connection that was accepted and not read waits in a queue inside the program that is being worked off.
func (sc *scene) drains(s *subject) bool {
	if s.listener == nil || s.socket.RecvQueue <= 1 || !untouched(s.socket) {
		return false
	}
	f := sc.flockOf(s)
	return f != nil && f.drains
}

func (sc *scene) gather() {
	sc.stuck(func(s *subject) {
		if s.socket.State != tcp.CloseWait || s.socket.Inode == 0 || s.ageKind == look.AgeUnknown {
			return
		}
		f := sc.flockOf(s)
		if f == nil {
			f = &flock{key: sc.flockKey(s), byPeer: map[tcp.Endpoint][]use{}, server: s.listener != nil}
			sc.flocks[f.key] = f
		}
		f.count++
		f.drains = f.drains || s.listener != nil && s.socket.RecvQueue > 1 && untouched(s.socket) && s.moved
		if s.listener != nil {
			return
		}
		f.ages = append(f.ages, s.age)
		began, _ := sc.existed(s.place)
		f.oldest = max(f.oldest, began)
		if s.socket.RecvQueue > farewell {
			f.unread++
		}
		var u use
		var known bool
		u.asked, _ = s.socket.Info.Duration(tcp.LastDataSent)
		u.answered, known = s.socket.Info.Duration(tcp.LastDataRecv)
		out, counted := s.socket.Info.Uint(tcp.DataSegsOut)
		if u.once = out <= fewSegments; known && counted {
			f.byPeer[s.socket.Peer] = append(f.byPeer[s.socket.Peer], u)
		}
	})
}

// idle is for how long a connection has to be idle to be free for the next request.
const idle = time.Second

// unshared counts the connections that were made for one request while an earlier one to the same server had been idle for a while: a pool would have used that. Requests of the
// same moment may come from several threads; only when many follow one another without any overlap, nobody was in need of a second connection. Those that come no later than
// alone after one that counted do not count.
func unshared(uses []use, alone time.Duration) (n int) {
	slices.SortFunc(uses, func(a, b use) int { return cmp.Compare(b.asked, a.asked) }) // the earliest request first
	inTurn := 0
	answered, counted := time.Duration(-1), time.Duration(math.MaxInt64)
	for i, u := range uses {
		if u.once && answered > u.asked+idle && counted-u.asked >= alone {
			n++
			counted = u.asked
		}
		if i > 0 && u.once && uses[i-1].answered > u.asked {
			inTurn++
		}
		if u.answered <= u.asked {
			answered = max(answered, u.answered)
		}
	}
	if inTurn >= several-1 && inTurn == len(uses)-1 {
		return inTurn
	}
	return n
}

// arriving reports whether the ages are those of sockets that keep coming, rather than of a burst some time ago.
func arriving(ages []time.Duration) bool {
	slices.Sort(ages)
	n := len(ages)
	if n < several || ages[n-1]-ages[0] < fresh {
		return false
	}
	younger, _ := slices.BinarySearch(ages, fresh+(ages[n-1]-fresh)/2)
	return 4*younger >= n
}

// idleGap returns after how much idleness the servers closed the connections, when it was the same time for most of them: a limit of theirs.
func idleGap(members []*subject) (gap time.Duration, ok bool) {
	gaps := make([]time.Duration, 0, len(members))
	for i := range members {
		sent, _ := members[i].socket.Info.Duration(tcp.LastDataSent)
		received, known := members[i].socket.Info.Duration(tcp.LastDataRecv)
		if known && members[i].ageKind == look.AgeAbout {
			gaps = append(gaps, min(sent, received)-members[i].age)
		}
	}
	if len(gaps) == 0 {
		return 0, false
	}
	slices.Sort(gaps)
	gap = gaps[len(gaps)/2]
	near := 0
	for _, g := range gaps {
		if (g - gap).Abs() <= max(gap/20, 100*time.Millisecond) {
			near++
		}
	}
	return gap, gap > 0 && 4*near >= 3*len(gaps)
}
