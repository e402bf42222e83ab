package record

import "slices"

// unknown lists what the text does not tell, the most important first.
func (p *parser) unknown() []string {
	has := func(format string) bool { return slices.Contains(p.formats, format) }
	var list []string
	say := func(when bool, sentence string) {
		if when {
			list = append(list, sentence)
		}
	}
	seen := &p.seen
	say(has(timerFormat), "A timer without its line: state, addresses, queues and owner are unknown; the state is taken for established.")
	say(seen.missing.timers, "No line shows a timer, so when the kernel ends these sockets is unknown: ss and netstat show timers with -o. If -o was given, none is running.")
	say(has(netstatFormat), "netstat shows no tcp_info: round-trip time, time-out before back-off and how long a peer has been silent are unknown. Retransmissions and probes are both shown.")
	say(has(procFormat), "/proc/net/tcp shows of tcp_info only time-out, delayed acknowledgement and congestion window: round-trip time and how long a peer has been silent are unknown. "+
		"Retransmissions and probes are both shown.")
	say(has(timerFormat), "A timer alone shows no tcp_info: round-trip time, time-out before back-off and elapsed time are unknown.")
	say(has(ssFormat) && seen.missing.info && !seen.info, "No tcp_info (ss shows it with -i): round-trip time, time-out before back-off and how long a peer has been silent are unknown.")
	say(seen.info && !seen.window, "The peer's window is not shown (snd_wnd, since ss 5.18), so that a closed window cannot be told from a full one.")
	say(seen.info, "ss does not show for how long a socket has been retransmitting (tcpi_total_rto_time): it follows from the timer, less exactly.")
	say(has(netstatFormat) || has(procFormat), "Times are cut to 10 ms.")
	say(seen.coarse, "ss cuts times: from 10 s on to whole seconds, from 10 min on to whole minutes.")
	say(seen.missing.inodes, "No inodes (ss shows them with -e, netstat with -ee): whether a closing socket still has an owner, and whether a connection was accepted, is unknown; "+
		"both are assumed.")
	say(seen.missing.owners && !seen.owners, "No owners (shown with -p, those of other users only to root).")
	say(has(netstatFormat) || has(procFormat), "netstat and /proc/net/tcp show neither cookies nor the backlogs of listeners.")
	say(p.source.Repeated > 0, "Some sockets are in more than one of the outputs; each is listed as often.")
	say(true, "The host's limits (net.ipv4.tcp_*), its name, its kernel and when the text was made are not in it.")
	return list
}
