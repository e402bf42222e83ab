package sysctl

// Unit is what a setting counts.
type Unit uint8

// The units of settings.
const (
	Count Unit = iota
	Seconds
	Milliseconds
	Microseconds
	Switch // 0 is off, anything else on
)

// String returns "count", "seconds", "milliseconds", "microseconds" or "switch".
func (u Unit) String() string {
	return [...]string{"count", "seconds", "milliseconds", "microseconds", "switch"}[u]
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
	Name string // below net.ipv4
	Unit Unit
	// Min and Max are the values the kernel accepts. Where it accepts nonsense, such as negative times, they are the ones that have a meaning.
	Min, Max int64
	// Default is the value of a kernel nobody has changed, -1 where it depends on the memory of the host.
	Default int64
	Scope   Scope
	// Since is the first kernel that has the setting, "" when every kernel this program runs on does.
	Since string
	// NetnsSince is the first kernel in which namespaces have their own value, "" when that was so from Since on or is not so at all. Older ones have it for the whole host.
	NetnsSince string
}

// Key returns the whole key: "net.ipv4.tcp_retries2".
func (s Setting) Key() string { return "net.ipv4." + s.Name }

const (
	maxByte = 255           // settings kept in a u8 (proc_dou8vec_minmax)
	maxInt  = 1<<31 - 1     // settings kept in an int
	maxSecs = maxInt / 1000 // times kept in jiffies (proc_dointvec_jiffies refuses what overflows); more when CONFIG_HZ is below 1000
)

// TCPSettings returns what is known of the settings that decide when TCP gives up (ipv4_table and ipv4_net_table in net/ipv4/sysctl_net_ipv4.c), in the order of their names. The
// caller owns the slice.
func TCPSettings() []Setting {
	return []Setting{
		{"tcp_fin_timeout", Seconds, 0, maxSecs, 60, PerNetns, "", "4.6"},
		{"tcp_keepalive_intvl", Seconds, 0, maxSecs, 75, PerNetns, "", "4.5"},
		{"tcp_keepalive_probes", Count, 0, maxByte, 9, PerNetns, "", "4.5"},
		{"tcp_keepalive_time", Seconds, 0, maxSecs, 7200, PerNetns, "", "4.5"},
		{"tcp_max_orphans", Count, 0, maxInt, -1, WholeHost, "", ""},
		{"tcp_orphan_retries", Count, 0, maxByte, 0, PerNetns, "", "4.6"},
		{"tcp_retries1", Count, 0, maxByte, 3, PerNetns, "", "4.6"},
		{"tcp_retries2", Count, 0, maxByte, 15, PerNetns, "", "4.6"},
		{"tcp_rto_max_ms", Milliseconds, 1000, 120000, 120000, PerNetns, "6.15", ""},
		{"tcp_rto_min_us", Microseconds, 1, maxInt, 200000, PerNetns, "6.11", ""},
		{"tcp_syn_linear_timeouts", Count, 0, 127, 4, PerNetns, "6.5", "6.5"},
		{"tcp_syn_retries", Count, 1, 127, 6, PerNetns, "", "4.6"},
		{"tcp_synack_retries", Count, 0, maxByte, 5, PerNetns, "", "4.6"},
		{"tcp_thin_linear_timeouts", Switch, 0, maxByte, 0, PerNetns, "2.6.34", "4.15"},
	}
}
