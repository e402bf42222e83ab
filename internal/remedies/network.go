package remedies

import (
	"strings"

	"github.com/closewait/closewait/internal/report"
)

// The causes that lie in the network or at the peer.

// leastRFC is the least tcp_retries2 that tries for the 100 s which RFC 9293 (3.8.3) wants.
const leastRFC = 8

// helpVanished proposes to wait, and to lower tcp_retries2 where that is the limit that decides: only there does it end them sooner.
func helpVanished(c *Case) []report.Remedy {
	list := []report.Remedy{wait("the kernel gives up by itself and the program gets an error")}
	if c.never() {
		list[0].Effect = "the kernel asks the peer again from time to time; each answer starts the count anew"
	}
	if limit := c.Ends.Limit; !c.never() && limit != nil && limit.Name == "tcp_retries2" && limit.Value > leastRFC {
		list = append(list, report.Remedy{
			Command: c.within("sysctl -w net.ipv4.tcp_retries2=8"), Effect: "gives up vanished peers after 2 min or so, these at their next retransmission", Undoable: true,
			Risk: "every connection of the namespace: paths with outages over 100 s lose theirs",
		})
	}
	if c.heard() || c.Oversize {
		list = append(list, read(c.within("tracepath -n "+c.peerOr("ADDRESS")), "shows how far packets get, and how large they may be"))
		if !c.never() || c.Oversize {
			list = append(list, report.Remedy{
				Command: c.within("sysctl -w net.ipv4.tcp_mtu_probing=1"), Effect: "where only large packets are lost: from the second time-out on, these connections send smaller ones", Undoable: true,
				Risk: "connections of the namespace that meet other losses send smaller packets, too",
			})
		}
	}
	return list
}

// heard reports whether the peers that acknowledge nothing are known to live: then none of them is a culprit.
func (c *Case) heard() bool { return c.culprit("peer") == nil }

// peerOr returns the address of the first peer for a command, without brackets.
func (c *Case) peerOr(none string) string {
	if len(c.Peers) == 0 {
		return none
	}
	return strings.Trim(address(c.Peers[0].Address), "[]")
}

func notForVanished(c *Case) []report.NotRemedy {
	if c.Ends.By != nil && *c.Ends.By == "keepalive" {
		return nots("tcp_retries2", "nothing is in flight that would be sent again",
			"tcp_fin_timeout", "it concerns what no program holds any more")
	}
	return nots("tcp_keepalive_*", "keepalive waits while data is in flight",
		"tcp_fin_timeout", "it concerns FIN_WAIT_2 only")
}

// helpNotRead points at the reader. Nothing in the kernel ends a connection whose peer answers probes.
func helpNotRead(c *Case) []report.Remedy {
	if len(c.Peers) == 0 {
		return nil
	}
	peer := address(c.Peers[0].Address)
	if c.Peers[0].Port != nil {
		peer = endpoint(report.Endpoint{Address: c.Peers[0].Address, Port: *c.Peers[0].Port})
	}
	return []report.Remedy{read("closewait show peer "+peer, "shows the connections to it, here and on the host where it runs: the reader there is stuck or slow")}
}

func notForNotRead(c *Case) []report.NotRemedy {
	if c.Ends.By != nil && *c.Ends.By == "orphan" {
		return nots("restarting the program", "it has closed these sockets already")
	}
	return nots("tcp_retries2", "a peer that answers probes is never given up: the count starts again with each answer",
		"tcp_keepalive_*", "keepalive waits while data is unsent",
		"net.ipv4.tcp_wmem", "a larger buffer holds more of what nobody reads")
}

func helpDropped(c *Case) []report.Remedy {
	return []report.Remedy{
		read(c.within("nft list ruleset"), "shows the firewall's rules: one of them may drop what goes out"),
		read(c.within("ip route get "+c.peerOr("ADDRESS")), "shows the route; then tc -s qdisc for queues that drop"),
	}
}

func notForDropped(*Case) []report.NotRemedy {
	return nots("looking at the peer or the network", "the packets do not leave this host",
		"restarting the program", "the next connection meets the same rule, route or queue")
}

func helpClosing(c *Case) []report.Remedy {
	if c.never() {
		return []report.Remedy{wait("the kernel asks the peer again from time to time, which costs next to nothing")}
	}
	return []report.Remedy{wait("the kernel gives up by itself; no descriptor is held, or the program has shut down already")}
}

func notForClosing(*Case) []report.NotRemedy {
	return nots("restarting the program", "the program has closed these sockets already",
		"tcp_fin_timeout", "it begins only when our FIN has been answered")
}

func helpHalfClosed(c *Case) []report.Remedy {
	return append([]report.Remedy{wait("the peer may still send, and its end of the stream ends them; no limit of the kernel's does")}, c.restart()...)
}

func notForHalfClosed(*Case) []report.NotRemedy {
	return nots("tcp_fin_timeout", "it concerns what no program holds any more",
		"tcp_keepalive_*", "the peer's host answers keepalive as long as its socket is there")
}
