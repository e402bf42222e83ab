package setting

import "cmp"

// Unit is what a setting counts.
type Unit uint8

// The units of settings.
const (
	Count Unit = iota
	Seconds
	Milliseconds
	Microseconds
	Switch // 0 is off, anything else on
	Ports  // two numbers, the first and the last port
)

// String returns "count", "seconds", "milliseconds", "microseconds", "switch" or "ports".
func (u Unit) String() string {
	return [...]string{"count", "seconds", "milliseconds", "microseconds", "switch", "ports"}[u]
}

// Scope is where a setting holds.
type Scope uint8

// The scopes of settings.
const (
	PerNetns Scope = iota // every network namespace has its own; a new one begins with the default, not with the host's value
	WholeHost
)

// String returns "netns" or "host".
func (s Scope) String() string { return [...]string{"netns", "host"}[s] }

// Setting describes one setting.
type Setting struct {
	Name string // the last part of the key
	Unit Unit
	// Min and Max are the values the kernel accepts; of times the longest that any kernel does, see maxSecs. Where it accepts nonsense, such as negative times, they are the
	// ones that have a meaning.
	Min, Max int64
	// Default is the value of a kernel nobody has changed, -1 where it depends on the memory of the host or on the kernel's version, and always for Ports.
	Default int64
	Scope   Scope
	// Since is the first kernel that has the setting, "" when every kernel this program runs on does.
	Since string
	// NetnsSince is the first kernel in which namespaces have their own value, "" when that was so from Since on or is not so at all. Older ones have it for the whole host.
	NetnsSince string
	// Touches says which sockets feel a new value, and when. No setting rearms a running timer.
	Touches string
	// Dir is the rest of the key, "" for net.ipv4.
	Dir string
}

// Key returns the whole key: "net.ipv4.tcp_retries2".
func (s Setting) Key() string { return cmp.Or(s.Dir, "net.ipv4") + "." + s.Name }
