package report

// causes is the closed list of the contract: code and slug of every cause a finding can have. A code is never used again for something else.
var causes = [...]struct{ code, cause string }{
	{"CW101", "leak"}, {"CW102", "not_reading"}, {"CW103", "pool_idle"}, {"CW104", "not_accepted"}, {"CW105", "workers_blocked"},
	{"CW106", "loop_blocked"}, {"CW107", "handler_busy"}, {"CW108", "relay_waiting"}, {"CW109", "inherited"}, {"CW110", "dead_fds"},
	{"CW111", "process_stopped"}, {"CW112", "in_transit"}, {"CW113", "kernel_owned"}, {"CW114", "probe_drip"},
	{"CW201", "peer_vanished"}, {"CW202", "peer_not_reading"}, {"CW203", "local_drop"}, {"CW204", "closing_unanswered"}, {"CW205", "fin_wait_2_held"},
	{"CW301", "slow_giveup"}, {"CW302", "rfc_minimum"}, {"CW310", "boot_differs"}, {"CW311", "drop_in_overridden"}, {"CW312", "netns_differs"},
	{"CW401", "fd_limit"}, {"CW402", "ports"}, {"CW403", "tcp_memory"}, {"CW404", "accept_overflow"},
	{"CW501", "owners_hidden"}, {"CW502", "netns_unreadable"}, {"CW503", "confined"}, {"CW504", "no_destroy"}, {"CW505", "no_history"},
	{"CW506", "dump_interrupted"},
}

// Codes returns every code, in ascending order.
func Codes() []string {
	codes := make([]string, len(causes))
	for i := range causes {
		codes[i] = causes[i].code
	}
	return codes
}

// CauseOf returns the slug of a code's cause, "" for a code that there is not.
func CauseOf(code string) string {
	for i := range causes {
		if causes[i].code == code {
			return causes[i].cause
		}
	}
	return ""
}

// CauseNames returns every cause's slug, in the order of the codes.
func CauseNames() []string {
	names := make([]string, len(causes))
	for i := range causes {
		names[i] = causes[i].cause
	}
	return names
}
