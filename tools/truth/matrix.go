package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

// group is the lives that share a namespace.
type group struct {
	name     string
	sysctls  map[string]int
	commands []string // of ip(8), where the loopback device is not enough
	scenes   []scene
	acts     []act
}

// act is a change of the whole namespace while its sockets die.
type act struct {
	after time.Duration
	what  string
	do    func() error
}

const second = time.Second

// matrix is all that is tried. Every group has its lives in IPv4 and IPv6 by turns.
func matrix(r *rand.Rand) []group {
	m := deck{r}
	groups := []group{m.bases(), m.keepalive(), m.synchronizing(1), m.synchronizing(2), m.zeroWindow(3), m.zeroWindow(4), m.zeroWindow(6), m.zeroWindowCapped()}
	for retries := 3; retries <= 8; retries++ {
		groups = append(groups, m.plain(retries, 200))
	}
	for _, v := range [][2]int{{3, 300}, {4, 300}, {5, 300}, {6, 300}, {7, 300}, {3, 500}, {4, 500}, {5, 500}, {6, 400}, {3, 1000}, {5, 1000}, {6, 230}} {
		groups = append(groups, m.plain(v[0], v[1]))
	}
	groups = append(groups, m.capped(1000), m.capped(2000), m.userTimeouts(), m.userTimeoutsLater(), m.thin())
	groups = append(groups, m.changing(8, 3, 4*second), m.changing(8, 5, 9*second), m.changing(4, 6, 2*second), m.changing(3, 7, 4*second), m.changing(15, 4, 20*second))
	for _, n := range []int{0, 2, 4, 6} {
		groups = append(groups, m.orphans(n))
	}
	for _, n := range []int{3, 20, 59, 62, 75, 90} {
		groups = append(groups, m.closing(n))
	}
	groups = append(groups, m.unreachable(), m.alone(), m.routeless())
	return groups
}

// deck deals random moments.
type deck struct{ *rand.Rand }

func (m deck) between(a, b time.Duration) time.Duration {
	return a + time.Duration(m.Int64N(int64(b-a)))
}

func (m deck) send() send {
	return send{m.IntN(9), 1 + m.IntN(4), [...]int{1, 100, 1000, 20000}[m.IntN(4)]}
}

// doubled returns each scene twice, once for each family.
func doubled(scenes ...scene) (all []scene) {
	for _, s := range scenes {
		all = append(all, s, s)
	}
	return all
}

func (m deck) plain(retries, rto int) group {
	g := group{name: fmt.Sprintf("retries2=%d rto=%d", retries, rto), sysctls: map[string]int{"tcp_retries2": retries, "tcp_orphan_retries": retries, "tcp_rto_min_us": rto * 1000}}
	for _, state := range states {
		for range 2 {
			g.scenes = append(g.scenes, scene{kind: state, length: lifetime(retries, rto), play: retransmitting(state, m.send())})
		}
	}
	return g
}

// lifetime is a rough upper bound of the time to death with retransmission.
func lifetime(retries, rto int) time.Duration {
	limit := 200 << (retries + 1)
	step, sum := rto+50, 0
	for ; sum < limit; step *= 2 {
		sum += step
	}
	return time.Duration(min(sum+step/2, limit*2))*time.Millisecond*105/100 + startSpread + 1500*time.Millisecond
}

// bases have least time-outs of their own, below the usual.
func (m deck) bases() group {
	g := group{name: "retries2=5", sysctls: map[string]int{"tcp_retries2": 5, "tcp_orphan_retries": 3}}
	for _, rtoMin := range []int{8, 20, 50, 100, 150} {
		for _, state := range states[:4] {
			d := time.Duration(rtoMin) * time.Millisecond
			g.scenes = append(g.scenes, scene{kind: state, note: "rto_min " + d.String(), length: 22 * second, play: withRTOMin(state, m.send(), d)})
		}
	}
	for _, rtoMax := range []int{1, 3} {
		for _, state := range states[:4] {
			d := time.Duration(rtoMax) * second
			g.scenes = append(g.scenes, scene{kind: "own rto_max", note: state + " " + d.String(), length: 20 * second, play: withRTOMax(state, m.send(), d)})
		}
	}
	return g
}

func (m deck) capped(rtoMax int) group {
	g := group{name: fmt.Sprintf("retries2=15 rto_max=%d", rtoMax), sysctls: map[string]int{"tcp_retries2": 15, "tcp_rto_max_ms": rtoMax}}
	for _, state := range states {
		g.scenes = append(g.scenes, doubled(scene{kind: state, length: time.Duration(16*rtoMax)*time.Millisecond + 4*second, play: retransmitting(state, m.send())})...)
	}
	for _, after := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 3 * second, 7 * second} {
		g.scenes = append(g.scenes, doubled(scene{kind: "orphaned", note: "after " + after.String(), length: 20 * second, play: orphaned("close_wait", m.send(), after)})...)
	}
	return g
}

var userTimeouts = []int{100, 250, 700, 1000, 2500, 5000, 10000, 20000}

func (m deck) userTimeouts() group {
	g := group{name: "retries2=15", sysctls: map[string]int{"tcp_retries2": 15}}
	for _, ms := range userTimeouts {
		d := time.Duration(ms) * time.Millisecond
		for _, state := range states {
			g.scenes = append(g.scenes, scene{kind: "user timeout before", note: d.String() + " " + state, length: d + 5*second, play: userTimeoutBefore(state, m.send(), d)})
		}
	}
	return g
}

func (m deck) userTimeoutsLater() group {
	g := group{name: "retries2=8", sysctls: map[string]int{"tcp_retries2": 8}}
	for _, ms := range userTimeouts {
		d := time.Duration(ms) * time.Millisecond
		for _, state := range states[:4] {
			after := m.between(100*time.Millisecond, 12*second)
			note := fmt.Sprintf("%v after %v %s", d, after.Round(time.Millisecond), state)
			g.scenes = append(g.scenes, scene{kind: "user timeout later", note: note, length: 2*max(after, d) + 6*second, play: userTimeoutLater(state, m.send(), 0, d, after)})
		}
	}
	for range 6 {
		after := m.between(2*second, 5*second)
		g.scenes = append(g.scenes, scene{kind: "user timeout later", note: "20s, then 4s", length: 18 * second, play: userTimeoutLater("close_wait", m.send(), 20*second, 4*second, after)})
		g.scenes = append(g.scenes, scene{kind: "user timeout later", note: "6s, then 15s", length: 24 * second, play: userTimeoutLater("established", m.send(), 6*second, 15*second, after)})
	}
	return g
}

func (m deck) changing(from, to int, after time.Duration) group {
	g := group{name: fmt.Sprintf("retries2=%d, then %d", from, to), sysctls: map[string]int{"tcp_retries2": from}}
	g.acts = []act{{after + startSpread, fmt.Sprintf("tcp_retries2=%d", to), func() error { return writeSysctl("tcp_retries2", to) }}}
	for _, state := range states[:4] {
		g.scenes = append(g.scenes, doubled(scene{kind: "limit changed", note: state, length: max(lifetime(to, 200), 2*after+8*second), play: retransmitting(state, m.send())})...)
	}
	return g
}

func (m deck) orphans(retries int) group {
	g := group{name: fmt.Sprintf("orphan_retries=%d", retries), sysctls: map[string]int{"tcp_orphan_retries": retries}}
	limit := retries
	if retries == 0 {
		limit = 8
	}
	for _, ms := range []int{50, 300, 1000, 2500, 6000, 12000, 20000, 30000} {
		after := time.Duration(ms)*time.Millisecond + m.between(0, time.Duration(ms)*time.Millisecond/2)
		for _, state := range states[:2] {
			g.scenes = append(g.scenes, scene{
				kind: "orphaned", note: "after " + after.Round(time.Millisecond).String(), length: max(lifetime(limit, 200), 2*after+10*second), play: orphaned(state, m.send(), after),
			})
		}
	}
	return g
}

func (m deck) thin() group {
	g := group{name: "thin retries2=4", sysctls: map[string]int{"tcp_retries2": 4, "tcp_thin_linear_timeouts": 1}}
	for _, state := range states[:4] {
		g.scenes = append(g.scenes, doubled(scene{kind: "thin stream", note: state, length: 15 * second, play: retransmitting(state, m.send())})...)
		g.scenes = append(g.scenes, doubled(scene{kind: "thin stream", note: "reno " + state, length: 20 * second, play: withReno(state, m.send())})...)
	}
	return g
}

func (m deck) zeroWindow(retries int) group {
	g := group{name: fmt.Sprintf("window, retries2=%d", retries), sysctls: map[string]int{"tcp_retries2": retries, "tcp_orphan_retries": 2}}
	add := func(s scene, half bool) {
		if half {
			s.note += " close_wait"
		}
		g.scenes = append(g.scenes, s)
	}
	length := lifetime(retries, 200)
	for i, half := range []bool{true, true, false, false} {
		add(scene{kind: "window, live peer", immortal: true, play: zeroWindowLive(half)}, half)
		after := m.between(0, time.Duration(i+1)*1500*time.Millisecond)
		add(scene{kind: "window, vanished peer", note: after.Round(time.Millisecond).String(), length: 2*length + after, disturbed: true, play: zeroWindowVanishes(half, after)}, half)
		add(scene{kind: "window, vanished peer", note: "at once", length: 2 * length, disturbed: true, play: zeroWindowVanishes(half, 0)}, half)
	}
	for _, ms := range []int{500, 2000, 3500, 8000} {
		d, after := time.Duration(ms)*time.Millisecond, m.between(0, 3*second)
		for _, vanished := range []bool{false, true} {
			note := fmt.Sprintf("%v after %v, vanished %v", d, after.Round(time.Millisecond), vanished)
			g.scenes = append(g.scenes, scene{kind: "window, user timeout", note: note, length: 2*(d+after) + 5*second, play: zeroWindowUserTimeout(vanished, d, after)})
		}
	}
	for range 2 {
		after := m.between(0, 2*second)
		g.scenes = append(g.scenes, scene{kind: "window, orphan", note: "vanished", length: length + 5*second, play: zeroWindowOrphan(true, after)})
	}
	return g
}

func (m deck) zeroWindowCapped() group {
	g := group{name: "window, rto_max=2000", sysctls: map[string]int{"tcp_retries2": 8, "tcp_rto_max_ms": 2000}}
	for range 4 {
		after := m.between(0, 6*second)
		g.scenes = append(g.scenes, scene{kind: "window, orphan", note: "live", length: 18 * second, play: zeroWindowOrphan(false, after)})
		g.scenes = append(g.scenes, scene{kind: "window, vanished peer", note: after.Round(time.Millisecond).String(), length: 30 * second, disturbed: true, play: zeroWindowVanishes(true, after)})
	}
	return g
}

func (m deck) keepalive() group {
	g := group{name: "keepalive", sysctls: map[string]int{"tcp_retries2": 4}}
	for i, k := range []keeping{{1, 1, 2, 0}, {2, 1, 3, 0}, {1, 2, 2, 0}, {3, 3, 3, 0}, {2, 1, 9, 3500 * time.Millisecond}, {1, 1, 9, 5 * second}} {
		note := fmt.Sprintf("%d s, %d x %d s, user timeout %v", k.idle, k.count, k.interval, k.user)
		length := max(time.Duration(k.idle+k.interval*k.count)*second, k.user) + 8*second
		for range 2 {
			g.scenes = append(g.scenes, scene{kind: "keepalive, vanished", note: note, length: length, play: keepaliveVanishes(k, i%2 == 0, m.between(0, 2*second))})
		}
		g.scenes = append(g.scenes,
			scene{kind: "keepalive, forgotten", note: note, length: length, play: keepaliveForgotten(k, i%2 == 0, m.between(0, 2*second), true)},
			scene{kind: "keepalive, forgotten", note: note + ", not known", length: length, play: keepaliveForgotten(k, i%2 == 1, m.between(0, 2*second), false)})
	}
	g.scenes = append(g.scenes, doubled(scene{kind: "keepalive, live peer", immortal: true, play: keepaliveLive(keeping{1, 1, 2, 0})},
		scene{kind: "close_wait", note: "with keepalive", length: 18 * second, play: keepaliveBusy(keeping{1, 1, 2, 0}, m.send())})...)
	return g
}

func (m deck) synchronizing(retries int) group {
	g := group{name: fmt.Sprintf("syn_retries=%d", retries), sysctls: map[string]int{"tcp_syn_retries": retries, "tcp_synack_retries": retries, "tcp_syn_linear_timeouts": retries - 1}}
	g.scenes = doubled(scene{kind: "syn_sent", length: 16 * second, play: synSent(0)}, scene{kind: "syn_sent", length: 16 * second, play: synSent(0)},
		scene{kind: "syn_sent", note: "user timeout 1.5s", length: 16 * second, play: synSent(1500 * time.Millisecond)},
		scene{kind: "syn_received", length: 16 * second, mini: true, disturbed: true, play: synReceived})
	return g
}

func (m deck) closing(finTimeout int) group {
	g := group{name: fmt.Sprintf("fin_timeout=%d", finTimeout), sysctls: map[string]int{"tcp_fin_timeout": finTimeout}}
	length := time.Duration(finTimeout)*second + 9*second
	g.scenes = doubled(scene{kind: "fin_wait_2", length: length, mini: true, play: finWait2(0)}, scene{kind: "fin_wait_2", length: length, mini: true, play: finWait2(0)})
	if finTimeout == 3 {
		g.scenes = append(g.scenes, doubled(scene{kind: "time_wait", length: 68 * second, mini: true, play: timeWait},
			scene{kind: "fin_wait_2", note: "TCP_LINGER2 2", length: 12 * second, mini: true, play: finWait2(2)})...)
	}
	return g
}

var (
	here4, there4 = netip.MustParseAddr("10.99.0.1"), netip.MustParseAddr("10.99.0.2")
	here6, there6 = netip.MustParseAddr("fd99::1"), netip.MustParseAddr("fd99::2")
)

// unreachable has a peer whose address is taken away, behind a cable to nobody: nobody answers ARP or neighbour solicitations.
func (m deck) unreachable() group {
	g := m.routeless()
	g.name, g.commands = "no neighbour", []string{
		"link add v0 type veth peer name v1", "link set v0 up", "link set v1 up", "addr add 10.99.0.1/24 dev v0", "addr add fd99::1/64 dev v0 nodad",
		"addr add 10.99.0.2/32 dev lo", "addr add fd99::2/128 dev lo nodad",
	}
	for i := range g.scenes {
		g.scenes[i].kind = "no neighbour"
	}
	return g
}

// alone has a next hop for each socket, which no other makes the kernel ask for.
func (m deck) alone() group {
	g := group{name: "no neighbours", sysctls: map[string]int{"tcp_retries2": 5, "tcp_orphan_retries": 5}, commands: []string{
		"link add v0 type veth peer name v1", "link set v0 up", "link set v1 up", "addr add 10.99.0.1/24 dev v0", "addr add fd99::1/64 dev v0 nodad",
	}}
	var gone []string
	there4, there6 := there4, there6
	for _, state := range states {
		there4, there6 = there4.Next(), there6.Next()
		for _, ends := range [][2]netip.Addr{{here4, there4}, {here6, there6}} {
			own := fmt.Sprintf("%v/%d dev lo", ends[1], ends[1].BitLen())
			g.commands, gone = append(g.commands, "addr add "+own), append(gone, "addr del "+own)
			g.scenes = append(g.scenes, scene{
				kind: "next hop alone", note: state, length: 32 * second, disturbed: true, from: ends[0], to: ends[1], play: retransmitting(state, m.send()),
			})
		}
	}
	g.acts = []act{{startSpread + second, "addresses of the peers gone", func() error { return ip(gone...) }}}
	return g
}

// routeless has a peer whose address is taken away, to which no other route leads.
func (m deck) routeless() group {
	g := group{name: "no route", sysctls: map[string]int{"tcp_retries2": 4, "tcp_orphan_retries": 4}}
	for _, address := range []string{"10.99.0.1/32", "fd99::1/128 nodad", "10.99.0.2/32", "fd99::2/128 nodad"} {
		g.commands = append(g.commands, "addr add "+address+" dev lo")
	}
	for _, state := range states {
		for _, ends := range [][2]netip.Addr{{here4, there4}, {here6, there6}} {
			g.scenes = append(g.scenes, scene{kind: "no route", note: state, length: 22 * second, disturbed: true, from: ends[0], to: ends[1], play: retransmitting(state, m.send())})
		}
	}
	g.acts = []act{{startSpread + second, "address of the peer gone", func() error { return ip("addr del 10.99.0.2/32 dev lo", "addr del fd99::2/128 dev lo") }}}
	return g
}
