package filter

import (
	"slices"

	"github.com/closewait/closewait/tcp"
)

// The tables of this file are all the tests there are: parser, help and completion read them.

func connectionWords() []word {
	return []word{
		{Word: Word{Name: "state", Syntax: "state STATE[,STATE]", Meaning: "is in one of the states; several in a row add up, as in ss",
			Example: "state close-wait,last-ack", Values: stateNames()}},
		{Word: Word{Name: "exclude", Aliases: []string{"excl"}, Syntax: "exclude STATE[,STATE]", Meaning: "is in none of the states",
			Example: "exclude time-wait", Values: stateNames()}},
		{Word: Word{Name: "sport", Syntax: "sport COMPARISON PORT[-PORT]", Meaning: "the local port, a number or the name of a common service",
			Example: "sport = :8000-8080"}, parse: parsePorts, side: tcp.LocalSide},
		{Word: Word{Name: "dport", Syntax: "dport COMPARISON PORT[-PORT]", Meaning: "the peer's port", Example: "dport = :https"},
			parse: parsePorts, side: tcp.PeerSide},
		{Word: Word{Name: "src", Syntax: "src [!=] ADDRESS[/BITS][:PORT]", Meaning: "the local address; IPv4 prefixes match IPv4-mapped addresses, too",
			Example: "src [2001:db8::/32]:443"}, parse: parseHost, side: tcp.LocalSide},
		{Word: Word{Name: "dst", Syntax: "dst [!=] ADDRESS[/BITS][:PORT]", Meaning: "the peer's address", Example: "dst 10.0.0.0/8"},
			parse: parseHost, side: tcp.PeerSide},
		{Word: Word{Name: "family", Syntax: "family ipv4|ipv6", Meaning: "the family of the socket; one of ipv6 may carry an IPv4 connection",
			Example: "family ipv6", Values: []string{"ipv4", "ipv6"}}, parse: parseFamily},
		{Word: Word{Name: "ipv4", Aliases: []string{"-4"}, Syntax: "ipv4", Meaning: "short for family ipv4", Example: "ipv4"}, parse: parseFamilyWord},
		{Word: Word{Name: "ipv6", Aliases: []string{"-6"}, Syntax: "ipv6", Meaning: "short for family ipv6", Example: "ipv6"}, parse: parseFamilyWord},
		{Word: Word{Name: "mapped", Syntax: "mapped", Meaning: "is an ipv6 socket with an IPv4 address", Example: "mapped"},
			parse: parseFlag, flag: mapped, condition: isMapped()},
		{Word: Word{Name: "dev", Syntax: "dev [!=] INTERFACE", Meaning: "is bound to the interface, by name or index; 0 is none", Example: "dev != 0"},
			parse: parseDevice},
		{Word: Word{Name: "fwmark", Syntax: "fwmark [!=] MARK[/MASK]", Meaning: "the socket's mark; needs CAP_NET_ADMIN", Example: "fwmark = 0x1/0xff"},
			parse: parseMark, needs: NeedMark},
		{Word: Word{Name: "cgroup", Syntax: "cgroup [!=] PATH|ID", Meaning: "belongs to exactly this version 2 cgroup", Example: "cgroup = 4711"},
			parse: parseCgroup, needs: NeedCgroup},
		{Word: Word{Name: "autobound", Syntax: "autobound", Meaning: "the kernel chose the local port; not under not and or, not on recordings",
			Example: "state established autobound"}, parse: parseAutobound, needs: NeedKernel},
	}
}

func timerWords() []word {
	return []word{
		{Word: Word{Name: "age", Syntax: "age COMPARISON DURATION", Meaning: "time in the present state", Example: "age > 5m"},
			parse: parseNumeric, number: age, unit: duration, needs: NeedAge},
		{Word: Word{Name: "idle", Syntax: "idle COMPARISON DURATION", Meaning: "time since data was sent or anything was received", Example: "idle > 1h30m"},
			parse: parseNumeric, number: idle, unit: duration, needs: NeedInfo},
		{Word: Word{Name: "ends", Syntax: "ends COMPARISON DURATION|never|unknown",
			Meaning: "when the kernel gives up, by the best estimate; never is later than any time", Example: "ends < 10m", Values: []string{"never", "unknown"}},
			parse: parseEnds, needs: NeedEnds},
		{Word: Word{Name: "recvq", Syntax: "recvq COMPARISON SIZE", Meaning: "bytes received and not read; for a listener connections to accept",
			Example: "recvq > 0"}, parse: parseNumeric, number: recvQueue, unit: size},
		{Word: Word{Name: "sendq", Syntax: "sendq COMPARISON SIZE", Meaning: "bytes sent and not acknowledged; for a listener its backlog",
			Example: "sendq > 1M"}, parse: parseNumeric, number: sendQueue, unit: size},
		{Word: Word{Name: "timer", Syntax: "timer [!=] TIMER", Meaning: "the timer that runs", Example: "timer = retransmit", Values: timerNames()},
			parse: parseTimer},
		{Word: Word{Name: "retrans", Syntax: "retrans COMPARISON NUMBER", Meaning: "retransmission time-outs without progress", Example: "retrans >= 3"},
			parse: parseNumeric, number: retransmissions, needs: NeedInfo},
		{Word: Word{Name: "probes", Syntax: "probes COMPARISON NUMBER", Meaning: "unanswered keepalive or zero-window probes", Example: "probes > 2"},
			parse: parseNumeric, number: probes, needs: NeedInfo},
		{Word: Word{Name: "backoff", Syntax: "backoff COMPARISON NUMBER", Meaning: "doublings of the time-out", Example: "backoff > 4"},
			parse: parseNumeric, number: backoff, needs: NeedInfo},
		{Word: Word{Name: "rto", Syntax: "rto COMPARISON DURATION", Meaning: "retransmission time-out in force", Example: "rto > 1s"},
			parse: parseNumeric, number: rto, unit: duration, needs: NeedInfo},
		{Word: Word{Name: "rtt", Syntax: "rtt COMPARISON DURATION", Meaning: "smoothed round-trip time", Example: "rtt > 100ms"},
			parse: parseNumeric, number: rtt, unit: duration, needs: NeedInfo},
		{Word: Word{Name: "unacked", Syntax: "unacked COMPARISON NUMBER", Meaning: "segments in flight", Example: "unacked > 0"},
			parse: parseNumeric, number: unacked, needs: NeedInfo},
	}
}

func ownerWords() []word {
	const pattern = "a name"
	return []word{
		{Word: Word{Name: "pid", Syntax: "pid [!=] PID", Meaning: "the process holds it", Example: "pid 2214"}, parse: parsePID, needs: NeedOwners},
		{Word: Word{Name: "comm", Syntax: "comm [!=] NAME", Meaning: "a process of this name holds it", Example: "comm ngin*"},
			parse: parseName, named: comm, want: pattern, needs: NeedOwners},
		{Word: Word{Name: "workload", Syntax: "workload [!=] NAME", Meaning: "unit, container, pod or process that holds it, by its usual name",
			Example: "workload payments*"}, parse: parseName, named: workload, want: pattern, needs: NeedOwners},
		{Word: Word{Name: "unit", Syntax: "unit [!=] NAME", Meaning: "the systemd unit; .service may be left out", Example: "unit nginx"},
			parse: parseName, named: unitName, want: pattern, needs: NeedOwners},
		{Word: Word{Name: "container", Syntax: "container [!=] ID|NAME", Meaning: "the container, by name or the first 4 or more digits of its ID",
			Example: "container 3f2a9c1b"}, parse: parseName, named: container, want: pattern, needs: NeedOwners},
		{Word: Word{Name: "pod", Syntax: "pod [!=] [NAMESPACE/]NAME", Meaning: "the Kubernetes pod", Example: "pod shop/cart-*"},
			parse: parseName, named: pod, want: pattern, needs: NeedOwners},
		{Word: Word{Name: "netns", Syntax: "netns [!=] host|NAME|INODE", Meaning: "the network namespace", Example: "netns host", Values: []string{"host"}},
			parse: parseName, named: netns, want: "a name or an inode number", normal: netnsPattern},
		{Word: Word{Name: "uid", Syntax: "uid [!=] NUMBER", Meaning: "the user that opened it; not known of sockets without a file", Example: "uid 1000"},
			parse: parseNumeric, number: uid, unit: identity},
		{Word: Word{Name: "inode", Syntax: "inode [!=] NUMBER", Meaning: "the socket's inode; 0 is no file", Example: "inode 48213"},
			parse: parseNumeric, number: inode, unit: identity},
		{Word: Word{Name: "cookie", Syntax: "cookie [!=] COOKIE", Meaning: "the one socket with this cookie", Example: "cookie 0x1a2f"},
			parse: parseNumeric, number: cookieOf, unit: cookie},
		{Word: Word{Name: "orphan", Syntax: "orphan", Meaning: "closed by its owner, still in the kernel", Example: "orphan"},
			parse: parseFlag, flag: orphan, states: tcp.SetOf(tcp.FinWait1, tcp.FinWait2, tcp.Closing, tcp.LastAck)},
		{Word: Word{Name: "unaccepted", Syntax: "unaccepted", Meaning: "waits in the accept queue of a listener", Example: "unaccepted"},
			parse: parseFlag, flag: unaccepted, states: tcp.SetOf(tcp.Established, tcp.CloseWait)},
	}
}

func diagnosisWords() []word {
	return []word{
		{Word: Word{Name: "stuck", Syntax: "stuck", Meaning: "belongs to a finding", Example: "stuck"}, parse: parseFlag, flag: stuck, needs: NeedCauses},
		{Word: Word{Name: "cause", Syntax: "cause [!=] CAUSE", Meaning: "the cause of its finding", Example: "cause peer_vanished"},
			parse: parseName, named: cause, want: "a cause such as leak or peer_vanished", normal: causePattern,
			known: func(o Options) []string { return o.Causes }, needs: NeedCauses},
		{Word: Word{Name: "code", Syntax: "code [!=] CODE", Meaning: "the code of its finding", Example: "code CW1*"},
			parse: parseName, named: code, want: "a code such as CW101 or CW1*", normal: codePattern,
			known: func(o Options) []string { return o.Codes }, needs: NeedCauses},
		{Word: Word{Name: "severity", Syntax: "severity COMPARISON SEVERITY", Meaning: "the severity of its finding; none ranks below info",
			Example: "severity >= warning", Values: slices.Clone(severities[1:])}, parse: parseSeverity, needs: NeedCauses},
	}
}
