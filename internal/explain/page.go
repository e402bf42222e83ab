package explain

import (
	"embed"
	"slices"
	"strings"
)

//go:embed pages/*.txt
var texts embed.FS

// Page is one page. Its text is made by [Page.Text].
type Page struct {
	// Name is the page's own name: "tcp_retries2", "CW101".
	Name string
	// Title says in a few words what the page is about.
	Title string
	// Aliases are the other names that [Find] accepts, without those that differ in case, hyphens, underscores and spaces only.
	Aliases []string
}

// table lists the pages: what decides when a socket ends, states, codes.
var table = [...]Page{
	{"tcp_retries2", "how long data may stay unanswered", []string{"retries2", "retries", "tcp_retries", "tcp_model_timeout", "tcp_retries1", "retries1"}},
	{"rto", "the wait before data is sent again", []string{
		"retransmission", "retransmit", "retransmission timeout", "backoff", "rto_min", "rto_max", "tcp_rto_min_us", "tcp_rto_max_ms", "tcp_rto_min", "tcp_rto_max",
		"tcp_thin_linear_timeouts", "tcp_early_retrans", "tail loss probe",
	}},
	{"user_timeout", "one socket's own limit for unanswered data", []string{"tcp_user_timeout", "uto"}},
	{"keepalive", "probes on a connection that is idle", []string{
		"so_keepalive", "tcp_keepalive", "tcp_keepalive_time", "tcp_keepalive_intvl", "tcp_keepalive_probes",
		"keepalive_time", "keepalive_intvl", "keepalive_probes", "tcp_keepidle", "tcp_keepintvl", "tcp_keepcnt",
	}},
	{"orphan", "a socket that no program holds any more", []string{"orphans", "tcp_orphan_retries", "orphan_retries", "tcp_max_orphans", "max_orphans"}},
	{"zero_window", "the peer takes no more data", []string{"window", "closed window", "persist", "persist timer", "probe", "probes", "window probe", "zero window probe"}},
	{"syn_retries", "how long a connection may take to open", []string{
		"tcp_syn_retries", "tcp_synack_retries", "synack_retries", "tcp_syn_linear_timeouts", "tcp_max_syn_backlog", "tcp_syncnt", "syn_sent", "syn_received", "syn_recv",
	}},
	{"time_wait", "the minute after a connection", []string{"tw", "2msl", "msl", "tcp_tw_reuse", "tcp_tw_recycle", "tcp_max_tw_buckets", "tw_reuse", "tw_recycle", "tcp_timewait_len", "ip_local_port_range"}},
	{"close_wait", "the peer has closed, our program has not", nil},
	{"fin_wait_2", "we have closed, the peer has not", []string{"tcp_fin_timeout", "fin_timeout", "tcp_linger2"}},
	{"last_ack", "our FIN waits for its answer", []string{"fin_wait_1", "closing"}},
	{"conntrack", "the firewall's memory of connections", []string{
		"nf_conntrack", "nf_conntrack_tcp_timeout_close", "nf_conntrack_tcp_timeout_close_wait", "nf_conntrack_tcp_timeout_established", "nf_conntrack_tcp_timeout_fin_wait",
		"nf_conntrack_tcp_timeout_last_ack", "nf_conntrack_tcp_timeout_max_retrans", "nf_conntrack_tcp_timeout_syn_recv", "nf_conntrack_tcp_timeout_syn_sent",
		"nf_conntrack_tcp_timeout_time_wait", "nf_conntrack_tcp_timeout_unacknowledged",
	}},
	{"established", "both ends may send", []string{"estab"}},
	{"listen", "a socket that waits for connections", []string{"listening", "listener"}},
	{"closed", "no connection, or none any more", []string{"close", "unconn", "bound", "bound_inactive"}},
	{"states", "the life of a connection, as a diagram", []string{"state", "diagram", "state diagram", "tcp states"}},
	{"myths", "what is said of stuck sockets, and what is right", []string{"myth", "advice"}},
	{"CW101", "the program does not close its sockets", []string{"leak"}},
	{"CW102", "the program does not look at its sockets", []string{"not_reading"}},
	{"CW103", "idle connections of a pool, closed by their server", []string{"pool_idle", "pool", "connection pool"}},
	{"CW104", "connections that nobody accepts", []string{"not_accepted", "accept queue", "backlog", "unaccepted", "somaxconn", "tcp_abort_on_overflow"}},
	{"CW105", "all workers are blocked", []string{"workers_blocked", "workers"}},
	{"CW106", "the event loop is blocked", []string{"loop_blocked", "event loop"}},
	{"CW107", "a handler works for a client that has left", []string{"handler_busy", "handler"}},
	{"CW108", "one leg of a relayed connection is closed", []string{"relay_waiting", "relay", "proxy"}},
	{"CW109", "held by a process that did not open it", []string{"inherited"}},
	{"CW110", "descriptors of connections that are over", []string{"dead_fds", "dead fd", "dead descriptors", "can't identify protocol"}},
	{"CW111", "the holder does not run", []string{"process_stopped", "stopped", "frozen"}},
	{"CW112", "a socket that no process holds", []string{"in_transit"}},
	{"CW113", "a socket of the kernel's own", []string{"kernel_owned"}},
	{"CW114", "connections without data at regular intervals", []string{"probe_drip", "health check", "health checks"}},
	{"CW201", "the peer answers nothing", []string{"peer_vanished", "vanished", "silent peer"}},
	{"CW202", "the peer lives and reads nothing", []string{"peer_not_reading"}},
	{"CW203", "our packets do not leave this host", []string{"local_drop"}},
	{"CW204", "our FIN gets no answer", []string{"closing_unanswered"}},
	{"CW205", "FIN_WAIT_2 kept open by a program", []string{"fin_wait_2_held"}},
	{"CW301", "a vanished peer is noticed late", []string{"slow_giveup"}},
	{"CW302", "given up sooner than the RFC allows", []string{"rfc_minimum"}},
	{"CW310", "the next boot sets another value", []string{"boot_differs"}},
	{"CW311", "a line that another one overrides", []string{"drop_in_overridden"}},
	{"CW312", "namespaces with values of their own", []string{"netns_differs"}},
	{"CW401", "a process is near its descriptor limit", []string{"fd_limit", "emfile", "too many open files", "ulimit"}},
	{"CW402", "local ports are nearly used up", []string{"ports", "local ports", "ephemeral ports", "eaddrnotavail"}},
	{"CW403", "orphans or TCP memory near their limit", []string{"tcp_memory", "tcp_mem", "memory"}},
	{"CW404", "an accept queue overflowed", []string{"accept_overflow", "overflow", "listenoverflows", "listen drops"}},
	{"CW501", "owners that may not be seen", []string{"owners_hidden"}},
	{"CW502", "namespaces that may not be entered", []string{"netns_unreadable"}},
	{"CW503", "something hides what root would see", []string{"confined", "apparmor", "selinux"}},
	{"CW504", "the kernel cannot destroy sockets", []string{"no_destroy", "config_inet_diag_destroy", "sock_destroy"}},
	{"CW505", "no history: ages are estimates", []string{"no_history"}},
	{"CW506", "the table changed while it was read", []string{"dump_interrupted"}},
}

// Pages returns all pages, in the order in which they are listed. The caller owns the slice.
func Pages() []Page {
	pages := slices.Clone(table[:])
	for i := range pages {
		pages[i].Aliases = slices.Clone(pages[i].Aliases)
	}
	return pages
}

// Find returns the page with a name. Case, hyphens, underscores and spaces do not count, and names of settings may be whole keys or paths, with or
// without a value: "net.ipv4.tcp_retries2=15". The error is an [*UnknownError].
func Find(word string) (*Page, error) {
	sought := keyOf(word)
	for i := range table {
		if slices.Contains(table[i].keys(), sought) {
			page := Pages()[i]
			return &page, nil
		}
	}
	return nil, unknown(word, sought)
}

// keys are all names of a page as keyOf writes them. A code and its cause may also be written together: "CW101/leak".
func (p *Page) keys() []string {
	keys := []string{keyOf(p.Name)}
	for _, alias := range p.Aliases {
		keys = append(keys, keyOf(alias), keyOf(p.Name+"/"+alias))
	}
	return keys
}

// keyOf reduces a name to what tells it from others: its letters and digits.
func keyOf(word string) string {
	word, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(word)), "=")
	for _, prefix := range []string{"/proc/sys/", "net.ipv4.", "net/ipv4/", "net.core.", "net/core/", "net.netfilter.", "net/netfilter/"} {
		word = strings.TrimPrefix(word, prefix)
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, word)
}
