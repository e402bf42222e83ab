package diagnose

import (
	"slices"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// scene is a snapshot made ready for questions. Its indexes are made once, and only of what rules ask for.
type scene struct {
	now *look.Snapshot
	// host is its name where several are judged together, others are those on which its connections may end.
	host   string
	others []*scene
	// What follows is about the sockets themselves, and stays true when more becomes known of the processes.
	listeners  map[listenKey][]*tcp.Socket
	shares     map[shareKey][]*tcp.Socket // of them, those that share an address
	shared     shareKey                   // the last of the addresses, with its listeners
	sharers    []*tcp.Socket
	ports      [1 << 16 / 64]uint64 // a bit for each local port of a connection
	suspected  []subject
	byInode    index
	byTuple    index
	addresses  map[addressKey]*address // of peers that leave connections unanswered, once one was asked for
	pairings   map[int]*pairing
	belongings map[int]*belongings
	oldest     map[int]time.Duration // for how long the oldest connection that a process serves has existed
	// found is how much was known of the holders when it was joined to the suspects.
	found   extent
	queues  map[*tcp.Socket]*tcp.Socket     // of unaccepted connections, where several listeners share an address
	ended   map[*tcp.Socket][]time.Duration // how long ago connections ended here, by listener
	holding []look.Holder                   // room for the holders of one socket
	times   []time.Duration                 // room for as many as the largest group has members
	// What follows is about the processes, too.
	answers
}

// answers is what depends on the processes, and on the second look. It is made of those parts that are asked for.
type answers struct {
	later map[tcp.Cookie]*tcp.Socket // the second look at suspects, nil if there was none
	// accepting are the listeners whose program took connections out of their queue between the two looks.
	accepting map[*tcp.Socket]bool
	owners    *ownerIndex
	doings    map[int]*doing
	asked     [64]*doing // the last, each at the place that the last bits of its pid give it: sockets of few processes come in any order
	keepers   map[*tcp.Socket]queueKeeper
	advanced  map[waitingSet]bool           // where what waited became less between the two looks
	requests  map[int]*waitingWithin        // how many connections of a process may wait for somebody within the host
	taking    map[int]bool                  // who came to a connection between the two looks
	queued    map[*tcp.Socket]time.Duration // by listener, for how long the first has waited in its queue that asked for something
	interval  *time.Duration                // between the two looks, nil before it was asked for
	weighed   bool                          // whether the loads were counted
	matched   bool                          // whether the connections that wait were matched with the threads that may be at work for them
	tunnel    *pairing
	left      map[listenKey][]*tcp.Socket // connections that are being closed and have left the descriptors, by the port they came through
	flocks    map[flockKey]*flock
	flock     *flock // the last
	homeless  *int
	crewsOn   map[*tcp.Socket]bool    // whether such workers come to it
	crews     map[crewKey]queueKeeper // why workers do not come to what was accepted for them
	atCrews   map[*tcp.Socket]int     // how many connections wait for them, by listener
}

type listenKey struct {
	netns int32
	port  uint16
}

func newScene(now *look.Snapshot, later []tcp.Socket) *scene {
	sc := &scene{now: now, listeners: map[listenKey][]*tcp.Socket{}, shares: map[shareKey][]*tcp.Socket{}, pairings: map[int]*pairing{}, belongings: map[int]*belongings{}, oldest: map[int]time.Duration{}}
	sc.each(func(netns, _ int32, s *tcp.Socket) {
		port := s.Local.Port()
		if s.State != tcp.Listen {
			sc.ports[port/64] |= 1 << (port % 64)
			return
		}
		key := listenKey{netns, port}
		sc.listeners[key] = append(sc.listeners[key], s)
	})
	sc.renew(later)
	return sc
}

// renew forgets what more knowledge of the processes, or the second look, may have changed.
func (sc *scene) renew(later []tcp.Socket) {
	sc.answers = answers{
		accepting: map[*tcp.Socket]bool{}, owners: &ownerIndex{scene: sc, byName: map[string]int{}},
		doings: map[int]*doing{}, keepers: map[*tcp.Socket]queueKeeper{},
	}
	if later != nil {
		sc.later = make(map[tcp.Cookie]*tcp.Socket, len(later))
		for i := range later {
			sc.later[later[i].Cookie] = &later[i]
		}
		sc.each(func(netns, _ int32, s *tcp.Socket) {
			if s.Unaccepted() && sc.moved(s) {
				sc.accepting[sc.listener(netns, s)] = true
			}
		})
	}
	found := extent{sc.now.Holders.Wanted(), sc.now.Holders.Held(), len(sc.now.Processes)}
	for i := range sc.suspected {
		s := &sc.suspected[i]
		if found != sc.found && !s.settled() {
			sc.join(s)
		}
		s.renew(sc.moved(s.socket))
	}
	sc.found = found
}

// extent is how much is known of the holders of sockets. It only grows.
type extent struct{ wanted, held, processes int }

func (sc *scene) each(f func(netns, index int32, s *tcp.Socket)) {
	for n := range sc.now.Namespaces {
		sockets := sc.now.Namespaces[n].Sockets
		for i := range sockets {
			f(int32(n), int32(i), &sockets[i])
		}
	}
}

// holders returns who holds the socket; known is false where that could not be found out.
func (sc *scene) holders(s *tcp.Socket) (holders []look.Holder, known bool) {
	if s.Inode == 0 {
		return nil, true // no file refers to it
	}
	holders = sc.now.Holders.Of(s.Inode)
	return holders, len(holders) > 0 || sc.now.Sought(s)
}

// lasting leaves out the holders that were started a moment ago, where there are others: a child that has not executed its program yet, or somebody who looks at sockets through
// duplicates, as this program does.
func (sc *scene) lasting(holders []look.Holder) []look.Holder {
	passing := func(h look.Holder) bool {
		p := sc.now.Processes[h.PID]
		return p != nil && !p.StartTime.IsZero() && sc.now.TakenAt.Sub(p.StartTime) < fresh
	}
	if len(holders) < 2 || !slices.ContainsFunc(holders, passing) {
		return holders
	}
	if rest := slices.DeleteFunc(slices.Clone(holders), passing); len(rest) > 0 {
		return rest
	}
	return holders
}

// moved reports whether the second look saw the socket make progress or found it gone. Without a second look nothing is known to have moved.
func (sc *scene) moved(s *tcp.Socket) bool {
	if sc.later == nil || !Undecided(sc.now, s) {
		return false
	}
	after, ok := sc.later[s.Cookie]
	if !ok || after.State != s.State || after.Inode != s.Inode || after.RecvQueue != s.RecvQueue {
		return true
	}
	for _, f := range [...]tcp.Field{tcp.BytesAcked, tcp.BytesReceived} {
		a, _ := s.Info.Uint(f)
		b, _ := after.Info.Uint(f)
		if a != b {
			return true
		}
	}
	return false
}
