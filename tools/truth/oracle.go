package main

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// oracle looks at namespaces at random moments and writes down what the forecast says of every life in them.
type oracle struct {
	stage  *stage
	host   *host.Host
	random *rand.Rand
	looks  int
	failed []error
}

// gaze looks until the time is over: each namespace with something alive about once a second.
func (o *oracle) gaze() {
	var turn []*namespace
	for time.Now().Before(o.stage.ends) {
		if len(turn) == 0 {
			turn = o.stage.busy()
			o.random.Shuffle(len(turn), func(i, j int) { turn[i], turn[j] = turn[j], turn[i] })
		}
		pause := time.Second / time.Duration(max(len(o.stage.namespaces), 8))
		time.Sleep(pause/2 + time.Duration(o.random.Int64N(int64(pause))))
		if len(turn) > 0 {
			o.look(turn[0])
			turn = turn[1:]
		}
	}
}

func (o *oracle) look(ns *namespace) {
	lives := o.stage.livesIn(ns)
	versions := make(map[key]int, len(lives))
	for k, l := range lives {
		if v, begun := l.current(); begun {
			versions[k] = v
		}
	}
	snapshot, _, err := o.host.Look(context.Background(), host.Request{Netns: []string{ns.network.Path()}, States: tcp.ConnectedStates, Options: true})
	until := time.Now()
	o.looks++
	if err != nil || len(snapshot.Namespaces) != 1 {
		o.failed = append(o.failed, err)
		return
	}
	table := &snapshot.Namespaces[0]
	for i := range table.Sockets {
		s := &table.Sockets[i]
		k := key{s.Local.AddrPort(), s.Peer.AddrPort()}
		version, ok := versions[k]
		if l := lives[k]; ok {
			l.hear(foretell(snapshot, table, s, l), version, until)
		}
	}
}

// foretell forecasts one moment in every lane.
func foretell(snapshot *look.Snapshot, table *look.Namespace, s *tcp.Socket, l *life) said {
	l.mu.Lock()
	options := l.options
	l.mu.Unlock()
	if !options.UserTimeout.Known {
		options.UserTimeout = forecast.Is[time.Duration](0)
	}
	hop, waits := table.Neighbours[s.Cookie]
	untold := forecast.Options{Neighbour: forecast.Setting[forecast.Neighbour]{Value: hop, Known: waits}}
	options.Neighbour = untold.Neighbour
	p := said{at: table.ReadAt, socket: *s, hop: hop}
	known := *snapshot
	for lane := range lanes {
		switch lane {
		case jiffies:
			known.Clock = snapshot.Clock
		case hz:
			known.Clock = look.Clock{HZ: cmp.Or(snapshot.Clock.HZ, usualHZ)}
		case nothing, blind:
			known.Clock = look.Clock{}
		}
		model := known.Model(table)
		switch lane {
		case jiffies:
			p.clock = model.Clock
			inside := options
			inside.Armed = table.Options[s.Cookie].Armed
			p.behind = behind(&p.clock, inside.Armed, s)
			if a := &inside.Armed; a.Fires > 0 && a.At >= a.Fires && a.Count == s.Timer.Count {
				p.missed = int64(a.At-a.Fires) + 1 // it is served at the next tick at the earliest
			}
			p.lanes[lane] = model.EndsKnowing(s, &inside)
		case blind:
			p.lanes[lane] = model.EndsKnowing(s, &untold)
		default:
			p.lanes[lane] = model.EndsKnowing(s, &options)
		}
	}
	return p
}

// behind compares what was left of a timer with the count of jiffies it was armed for.
func behind(c *forecast.Clock, armed look.Armed, s *tcp.Socket) int64 {
	if !c.Known || armed.Fires == 0 || armed.Count != s.Timer.Count || s.Timer.Expires <= 0 {
		return 0
	}
	left := int64((s.Timer.Expires*time.Duration(c.HZ) + time.Second/2) / time.Second)
	return max(int64(c.Jiffies)-(int64(armed.Expires)-left), 0)
}

// usualHZ is taken for known where the kernel's clock may not be read.
const usualHZ = 250

// hear keeps a forecast unless the socket was changed or died meanwhile.
func (l *life) hear(p said, version int, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.version == version && (l.died.IsZero() || l.died.After(p.at)) {
		p.version, p.until = version, until
		l.said = append(l.said, p)
	}
}

// busy are the namespaces with something alive.
func (s *stage) busy() []*namespace {
	var list []*namespace
	for _, l := range s.lives {
		if _, begun := l.current(); begun && !slices.Contains(list, l.ns) {
			list = append(list, l.ns)
		}
	}
	return list
}

func (s *stage) livesIn(ns *namespace) map[key]*life {
	found := map[key]*life{}
	for _, l := range s.lives {
		if l.ns == ns {
			l.mu.Lock()
			found[l.key] = l
			l.mu.Unlock()
		}
	}
	return found
}
