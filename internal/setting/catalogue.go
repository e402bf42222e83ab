package setting

import (
	"cmp"
	"slices"
)

const (
	maxByte = 255          // settings kept in a u8 (proc_dou8vec_minmax)
	maxInt  = 1<<31 - 1    // settings kept in an int
	maxPort = 1<<16 - 1    // ports
	maxSecs = maxInt / 100 // times kept in jiffies: proc_dointvec_jiffies refuses what does not fit into an int of them, with CONFIG_HZ=1000 already maxInt/1000
)

// What feels a setting, where several share the words.
const (
	touchesLive      = "every connection with data or a FIN unanswered, when its running timer fires next"
	touchesKeepalive = "connections with SO_KEEPALIVE and no value of their own, from their next probe on; an armed timer keeps its time"
	touchesMade      = "sockets made from now on; connections of a running listener take its value, so restart servers"
	touchesTracked   = "tracked connections (NAT, firewall) that enter this state, or send a packet in it, from now on; no socket of this host"
)

// TCP returns what is known of the settings that decide when TCP gives up (ipv4_table and ipv4_net_table in net/ipv4/sysctl_net_ipv4.c), in the order of their names. The
// caller owns the slice.
func TCP() []Setting {
	return []Setting{
		{"tcp_early_retrans", Count, 0, 4, 3, PerNetns, "3.5", "4.15", "connections that send from now on: with 3 and 4 a tail loss probe goes before the first time-out", ""},
		{"tcp_fin_timeout", Seconds, 0, maxSecs, 60, PerNetns, "", "4.6", "sockets that nobody holds any more and that enter FIN_WAIT_2 from now on; held ones have no timer", ""},
		{"tcp_keepalive_intvl", Seconds, 0, maxSecs, 75, PerNetns, "", "4.5", touchesKeepalive, ""},
		{"tcp_keepalive_probes", Count, 0, maxByte, 9, PerNetns, "", "4.5", touchesKeepalive, ""},
		{"tcp_keepalive_time", Seconds, 0, maxSecs, 7200, PerNetns, "", "4.5", touchesKeepalive, ""},
		{"tcp_max_orphans", Count, 0, maxInt, -1, WholeHost, "", "", "sockets closed by their program from now on: beyond this many the kernel resets them at once", ""},
		{"tcp_orphan_retries", Count, 0, maxByte, 0, PerNetns, "", "4.6", "closing sockets that nobody holds any more, when their running timer fires next", ""},
		{"tcp_retries1", Count, 0, maxByte, 3, PerNetns, "", "4.6", "connections that retransmit: after so many a new route is sought; it ends none", ""},
		{"tcp_retries2", Count, 0, maxByte, 15, PerNetns, "", "4.6", touchesLive, ""},
		{"tcp_rto_max_ms", Milliseconds, 1000, 120000, 120000, PerNetns, "6.15", "", touchesMade, ""},
		{"tcp_rto_min_us", Microseconds, 1, maxInt, 200000, PerNetns, "6.11", "", touchesMade + "; it shortens retransmissions, not lives", ""},
		{"tcp_syn_linear_timeouts", Count, 0, 127, 4, PerNetns, "6.5", "6.5", "connects under way, at their next SYN, and later ones", ""},
		{"tcp_syn_retries", Count, 1, 127, 6, PerNetns, "", "4.6", "connects under way, when their running timer fires next, and later ones", ""},
		{"tcp_synack_retries", Count, 0, maxByte, 5, PerNetns, "", "4.6", "half-open connections, when their running timer fires next, and later ones", ""},
		{"tcp_thin_linear_timeouts", Switch, 0, maxByte, 0, PerNetns, "2.6.34", "4.15", "connections in ESTABLISHED with less than four segments in flight, at their next time-out", ""},
	}
}

// All returns all settings that closewait tunes: those of [TCP] and their neighbours, in the order of their keys. The caller owns the slice.
func All() []Setting {
	all := append(TCP(), neighbours()...)
	slices.SortFunc(all, func(a, b Setting) int { return cmp.Compare(a.Key(), b.Key()) })
	return all
}

// neighbours are settings that decide which connections come about, and how long the firewall remembers them (nf_ct_sysctl_table in
// net/netfilter/nf_conntrack_standalone.c, there while the module is loaded).
func neighbours() []Setting {
	const conntrack = "net.netfilter"
	list := []Setting{
		{"ip_local_port_range", Ports, 1, maxPort, -1, PerNetns, "", "", "connects from now on that do not choose their own port; connections keep theirs", ""},
		{"tcp_abort_on_overflow", Switch, 0, maxByte, 0, PerNetns, "", "4.15", "connections that find an accept queue full from now on: they are reset, where they would be tried again", ""},
		{"tcp_max_syn_backlog", Count, 0, maxInt, -1, PerNetns, "", "4.11", "half-open connections from now on, only where tcp_syncookies is 0", ""},
		{"tcp_max_tw_buckets", Count, 0, maxInt, -1, PerNetns, "", "4.11", "connections that enter TIME_WAIT from now on: beyond this many they vanish at once", ""},
		{"tcp_tw_reuse", Count, 0, 2, -1, PerNetns, "", "4.11", "connects from now on: they may take the port of a connection in TIME_WAIT; no other state", ""},
		{"somaxconn", Count, 0, maxInt, -1, PerNetns, "", "", "calls of listen() from now on; running listeners keep their backlog", "net.core"},
	}
	for _, t := range []struct {
		state   string
		seconds int64
	}{
		{"close", 10}, {"close_wait", 60}, {"established", 432000}, {"fin_wait", 120}, {"last_ack", 30}, {"max_retrans", 300},
		{"syn_recv", 60}, {"syn_sent", 120}, {"time_wait", 120}, {"unacknowledged", 300},
	} {
		list = append(list, Setting{"nf_conntrack_tcp_timeout_" + t.state, Seconds, 0, maxSecs, t.seconds, PerNetns, "", "", touchesTracked, conntrack})
	}
	return list
}
