package forecast

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Change is a setting given another value, to ask what would happen.
type Change struct {
	Key   string // a sysctl below net.ipv4, or an option of the socket
	Value int64  // in the unit of the key: see ParseChange
}

// Reach says which sockets a change takes effect on. None rearms a running timer: it is felt when that fires next.
type Reach uint8

// The reaches.
const (
	// AllSockets are all sockets of the namespace, those that exist as well.
	AllSockets Reach = iota
	// NewSockets are sockets made later; an accepted connection takes the value from its listener, so that a server must be restarted.
	NewSockets
	// UnsetSockets are the sockets that have no such value of their own; keepalive must be on.
	UnsetSockets
	// OneSocket is the socket whose option is set.
	OneSocket
)

// String says it in words.
func (r Reach) String() string {
	return [...]string{
		"all sockets of the namespace, from their next time-out on",
		"sockets made from now on; connections of a running listener keep its value",
		"sockets with keepalive and no value of their own, from their next probe on",
		"the sockets it is set on, from their next time-out on",
	}[r]
}

// changes are the keys that can be changed.
var changes = [...]struct {
	key      string
	unit     time.Duration // of durations, 0 for counts
	min, max int64
	reach    Reach
	apply    func(*Model, int64, time.Duration)
}{
	{"tcp_retries2", 0, 0, 255, AllSockets, func(m *Model, n int64, _ time.Duration) { m.Limits.Retries2 = Is(n) }},
	{"tcp_orphan_retries", 0, 0, 255, AllSockets, func(m *Model, n int64, _ time.Duration) { m.Limits.OrphanRetries = Is(n) }},
	{"tcp_syn_retries", 0, 1, 127, AllSockets, func(m *Model, n int64, _ time.Duration) { m.Limits.SynRetries = Is(n) }},
	{"tcp_synack_retries", 0, 0, 255, AllSockets, func(m *Model, n int64, _ time.Duration) { m.Limits.SynAckRetries = Is(n) }},
	// A running socket has its copy already, so nothing changes for it.
	{"tcp_rto_max_ms", time.Millisecond, 1000, 120_000, NewSockets, func(*Model, int64, time.Duration) {}},
	{"tcp_fin_timeout", time.Second, 0, math.MaxInt32 / 1000, AllSockets, func(m *Model, _ int64, d time.Duration) { m.Limits.FinTimeout = Is(d) }},
	{"tcp_keepalive_time", time.Second, 0, math.MaxInt32 / 1000, UnsetSockets, func(m *Model, _ int64, d time.Duration) { m.Limits.KeepaliveTime = Is(d) }},
	{"tcp_keepalive_intvl", time.Second, 0, math.MaxInt32 / 1000, UnsetSockets, func(m *Model, _ int64, d time.Duration) { m.Limits.KeepaliveInterval = Is(d) }},
	{"tcp_keepalive_probes", 0, 0, 255, UnsetSockets, func(m *Model, n int64, _ time.Duration) { m.Limits.KeepaliveProbes = Is(n) }},
	{"user_timeout", time.Millisecond, 0, math.MaxInt32, OneSocket, func(m *Model, _ int64, d time.Duration) { m.Options.UserTimeout = Is(d) }},
	{"rto_max", time.Millisecond, 1000, 120_000, OneSocket, func(m *Model, _ int64, d time.Duration) { m.Options.RTOMax = Is(d) }},
	{"keepalive", 0, 0, 1, OneSocket, func(m *Model, n int64, _ time.Duration) { m.Options.Keepalive = Is(n == 1) }},
	{"keepalive_time", time.Second, 1, 32767, OneSocket, func(m *Model, _ int64, d time.Duration) { m.Options.KeepaliveTime = Is(d) }},
	{"keepalive_intvl", time.Second, 1, 32767, OneSocket, func(m *Model, _ int64, d time.Duration) { m.Options.KeepaliveInterval = Is(d) }},
	{"keepalive_probes", 0, 1, 127, OneSocket, func(m *Model, n int64, _ time.Duration) { m.Options.KeepaliveProbes = Is(n) }},
}

// ParseChange reads KEY=VALUE. The keys are sysctls (tcp_retries2, tcp_orphan_retries, tcp_syn_retries, tcp_synack_retries, tcp_rto_max_ms,
// tcp_fin_timeout, tcp_keepalive_time, tcp_keepalive_intvl, tcp_keepalive_probes; with or without net.ipv4.) and options of a socket (user_timeout,
// rto_max, keepalive (1 on, 0 off), keepalive_time, keepalive_intvl, keepalive_probes). Values are in the kernel's unit, or times with a unit where the key is one:
// user_timeout=30s.
func ParseChange(text string) (Change, error) {
	key, value, ok := strings.Cut(text, "=")
	if !ok {
		return Change{}, fmt.Errorf("change %q: want KEY=VALUE, such as tcp_retries2=8", text)
	}
	key = strings.TrimPrefix(key, "net.ipv4.")
	for _, c := range changes {
		if c.key != key {
			continue
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil && c.unit > 0 {
			var d time.Duration
			d, err = time.ParseDuration(value)
			n = int64(d / c.unit)
		}
		if err != nil || n < c.min || n > c.max {
			return Change{}, fmt.Errorf("change %q: want a value from %d to %d", text, c.min, c.max)
		}
		return Change{key, n}, nil
	}
	return Change{}, fmt.Errorf("change %q: %s decides no socket's end", text, key)
}

// Decides reports whether a key decides the end of sockets: it is one that ParseChange takes.
func Decides(key string) bool {
	for _, known := range changes {
		if known.key == key {
			return true
		}
	}
	return false
}

// Reach says which sockets the change takes effect on.
func (c Change) Reach() Reach {
	for _, known := range changes {
		if known.key == c.Key {
			return known.reach
		}
	}
	return OneSocket
}

// String writes the change as ParseChange reads it.
func (c Change) String() string { return c.Key + "=" + strconv.FormatInt(c.Value, 10) }

// If returns the model of the same sockets at the same moment after some changes. Options are taken to be set on every socket it is asked about with
// [Model.Ends]. Running timers stay as they are, as in the kernel; what only new sockets feel changes nothing.
func (m Model) If(made ...Change) Model {
	for _, c := range made {
		for _, known := range changes {
			if known.key == c.Key {
				known.apply(&m, c.Value, time.Duration(c.Value)*known.unit)
			}
		}
	}
	return m
}
