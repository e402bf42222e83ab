package nstest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/closewait/closewait/tcp"
)

// Bracket is what ss said of each socket before and after somebody else looked. While clocks run and segments come, the look in between may agree with either.
type Bracket [2]map[tcp.Cookie]*SSSocket

// Around asks ss, looks, and asks ss again.
func Around(ask func() []SSSocket, look func()) Bracket {
	before := ask()
	look()
	b := Bracket{byCookie(before), byCookie(ask())}
	for cookie, first := range b[0] {
		if second := b[1][cookie]; second != nil {
			widen(&first.Timer, &second.Timer)
		}
	}
	return b
}

func byCookie(sockets []SSSocket) map[tcp.Cookie]*SSSocket {
	m := map[tcp.Cookie]*SSSocket{}
	for i := range sockets {
		m[sockets[i].Cookie] = &sockets[i]
	}
	return m
}

// widen lets both timers stand for all times between them; for any time when the timer has fired meanwhile.
func widen(first, second *SSTimer) {
	low, high := min(first.Min, second.Min), max(first.Max, second.Max)
	if first.Kind != second.Kind || first.Count != second.Count || second.Min > first.Max {
		low, high = 0, time.Duration(math.MaxInt64)
	}
	first.Min, first.Max, second.Min, second.Max = low, high, low, high
}

// Differences compares every socket of a look, known by their cookies, with what ss said: compare returns the differences to one of its answers by what differs. Those are returned
// that both answers differ in, and the sockets that only one side has.
func (b Bracket) Differences(looked []tcp.Cookie, compare func(i int, ss *SSSocket) map[string]string) (differences []string) {
	for i, cookie := range looked {
		first, second := b[0][cookie], b[1][cookie]
		switch {
		case first == nil && second == nil:
			differences = append(differences, fmt.Sprintf("ss misses %v", cookie))
			continue
		case first == nil || second == nil:
			continue // it came or went meanwhile
		}
		now := compare(i, second)
		for what, before := range compare(i, first) {
			if _, still := now[what]; still {
				differences = append(differences, before)
			}
		}
	}
	for cookie, ss := range b[0] {
		if b[1][cookie] != nil && !slices.Contains(looked, cookie) {
			differences = append(differences, fmt.Sprintf("only ss has %v %v > %v", ss.State, ss.Local, ss.Peer))
		}
	}
	slices.Sort(differences)
	return differences
}
