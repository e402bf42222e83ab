package explain

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/closewait/closewait/forecast"
)

// usualRetries are the values of tcp_retries2 that people set.
var usualRetries = [...]int64{3, 4, 5, 6, 8, 10, 15}

// path is a column of figures.
type path struct {
	title string
	rtt   time.Duration
	rows  []forecast.Row
}

// paths are the columns: a LAN, a far host and the path that was asked for.
func (f figures) paths() []path {
	list := []path{{title: "RTT 1 ms", rtt: lan}, {title: "RTT 100 ms", rtt: far}}
	if rtt := f.facts.RTT; rtt > 0 {
		list = append(list, path{title: "RTT " + millis(rtt), rtt: rtt})
	}
	for i := range list {
		list[i].rows = forecast.Table(forecast.Path{RTT: list[i].rtt, RTOMax: f.facts.rtoMax()})
	}
	return list
}

// lives is the table of tcp_retries2: the limit and what comes of it on some paths, the host's own value among the usual ones.
func (f figures) lives() []string {
	own := f.facts.limits().Retries2
	values := slices.Clone(usualRetries[:])
	if own.Known && !slices.Contains(values, own.Value) {
		values = append(values, own.Value)
		slices.Sort(values)
	}
	paths := f.paths()
	head := fmt.Sprintf("  %8s  %10s", "retries2", "limit")
	for _, p := range paths {
		head += fmt.Sprintf("  %13s", p.title)
	}
	lines := []string{"Seconds from send to error if nobody answers (HZ 250, waits up to " + seconds(f.facts.rtoMax()) + "):", head}
	for _, n := range values {
		line := fmt.Sprintf("  %8d  %10s", n, limitCell(n, f.facts.rtoMax()))
		for _, p := range paths {
			cell, ok := p.life(n)
			if !ok {
				cell = "more"
			}
			line += fmt.Sprintf("  %13s", cell)
		}
		if own.Known && n == own.Value {
			line += "  <- here"
		}
		lines = append(lines, line)
	}
	return lines
}

// limitCell is the limit in seconds. A byte holds the setting since 5.13; what is beyond that lasts for hours.
func limitCell(retries int64, rtoMax time.Duration) string {
	if retries > math.MaxUint8 {
		return "more"
	}
	return tenths(forecast.Timeout(int(retries), rtoMax))
}

// life is the time in seconds from the send to the end with a value of tcp_retries2, both likely ones where a few milliseconds decide. The model's
// table ends somewhere: ok is false beyond.
func (p path) life(retries int64) (text string, ok bool) {
	if retries < 0 || retries >= int64(len(p.rows)) {
		return "", false
	}
	row := p.rows[retries]
	if row.Also > 0 {
		before := row.FromSend - row.Dies
		return tenths(before+min(row.Dies, row.Also)) + "/" + tenths(before+max(row.Dies, row.Also)), true
	}
	return tenths(row.FromSend), true
}

// heldEnd says what becomes of unanswered data of a socket that a program holds.
func (f figures) heldEnd() string {
	own := f.facts.limits().Retries2
	if !own.Known {
		return "Held by a program, no answer: not known here (tcp_retries2)."
	}
	p := f.paths()[0]
	if life, ok := p.life(own.Value); ok {
		return fmt.Sprintf("Held by a program, no answer: ended %s s after the send (%s).", life, p.title)
	}
	return "Held by a program, no answer: ended after more than " + tenths(p.rows[len(p.rows)-1].FromSend) + " s."
}

// withoutUserTimeout is what ends sockets by the settings of the namespace.
func (f figures) withoutUserTimeout() []string {
	return []string{f.setting("tcp_retries2"), f.heldEnd(), "SO_KEEPALIVE on, idle, peer gone: ended after " + idleEnd(new(f.facts.limits())).String() + "."}
}

// waits is the series of time-outs on each path (tcp_retransmit_timer doubles them).
func (f figures) waits() []string {
	lines := []string{"Seconds between transmissions while nobody answers:"}
	for _, p := range f.paths() {
		lines = append(lines, fmt.Sprintf("  %-13s%s", p.title, series(f.facts.firstWait(p.rtt), f.facts.rtoMax())))
	}
	return lines
}

// series writes a wait, its doublings and the longest one, which repeats.
func series(first, longest time.Duration) string {
	var b strings.Builder
	wait := first
	for n := 0; wait < longest && n < mostWaits; n++ {
		b.WriteString(strings.TrimSuffix(seconds(wait), " s") + " ")
		wait *= 2
	}
	if wait < longest {
		b.WriteString(".. ")
	}
	return b.String() + "then " + strings.TrimSuffix(seconds(longest), " s")
}

// mostWaits is how many fit into a line; there are more only where the least wait is some milliseconds.
const mostWaits = 10
