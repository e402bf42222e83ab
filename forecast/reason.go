package forecast

// The sentences of Ends.Reason are constants, so that a forecast allocates nothing; figures stand in the other fields.
const (
	reasonCloseWait    = "no kernel timer runs, so the socket stays until the program closes it"
	reasonUnconnected  = "no kernel timer runs on a socket that is not connected"
	reasonFinWait2Held = "a program still holds the socket, so tcp_fin_timeout does not apply"
	reasonIdle         = "nothing is in flight and keepalive is off: the kernel will not notice if the peer is gone"
	reasonBetween      = "no timer was running at the moment of the look"
	reasonMini         = "the kernel removes the mini socket when its timer fires"
	reasonStrange      = "the kernel reports a timer this version does not know"
	reasonUnshown      = "the text does not show which timer runs: ss and netstat do with -o"

	reasonRetransmit    = "retransmissions go unanswered: the kernel gives up at the first time-out beyond the limit; the descriptor stays open until the program closes it"
	reasonRetransmitNew = "data are in flight: if no acknowledgement comes, the kernel gives up at the first time-out beyond the limit; the descriptor stays open until the program closes it"
	reasonUnreachable   = "the path reports the peer unreachable: each report moves the next time-out, so the moment is less certain; the descriptor stays open until the program closes it"
	reasonNeighbour     = "nobody on the local network answers for the next hop: the kernel asks for it again and again, and gives the connection up at the first time-out beyond the limit; the descriptor stays open until the program closes it"
	reasonSynNeighbour  = "nobody on the local network answers for the next hop: the request is over when the kernel has asked for it in vain; the descriptor stays open until the program closes it"
	reasonLocalDrop     = "our own packets do not leave this host and are tried again every 500 ms: the kernel gives up beyond the limit; the descriptor stays open until the program closes it"
	reasonUnsent        = "the last retransmission did not leave this host, as without a route: the kernel gives up at the first time-out beyond the limit, with the error of what failed; the descriptor stays open until the program closes it"
	reasonNoLimit       = "retransmission runs: the kernel gives up at one of the next time-outs if no answer comes"
	reasonUserTimeout   = "TCP_USER_TIMEOUT of the socket ends it; the descriptor stays open until the program closes it"
	reasonClamped       = "the running timer was cut short, which only TCP_USER_TIMEOUT does: it ends the socket when it fires; the descriptor stays open until the program closes it"
	reasonOrphan        = "nobody holds the socket any more: the kernel gives up at the first time-out beyond the orphan limit"
	reasonExhausted     = "nobody holds the socket any more, and the host has more of such sockets, or more memory in queues, than it allows: the kernel resets it at its next time-out"
	reasonSyn           = "the connection request goes unanswered: the kernel gives up after tcp_syn_retries; the descriptor stays open until the program closes it"
	reasonRequest       = "a half-open connection: the kernel drops it when its SYN-ACKs stay unanswered; each SYN that the peer repeats begins the running time-out anew"
	reasonHidden        = "nothing was retransmitted that counts, but the time-out is long: the path is, or the peer took its window back, which is not shown here"
	reasonShrunkAlive   = "the peer took its window back and answers the probes: retransmission cannot end the socket"
	reasonShrunkSilent  = "the peer took its window back and has gone silent: the kernel gives up after twice the longest time-out; the descriptor stays open until the program closes it"

	reasonPersistAlive  = "the peer keeps its window closed and answers the probes: the kernel keeps the socket for as long as it does"
	reasonPersistSilent = "the probes of the peer's closed window stay unanswered: the kernel gives up after tcp_retries2 of them; the descriptor stays open until the program closes it"
	reasonPersistLocal  = "the data could not be sent from this host and nothing is in flight: the kernel gives up after tcp_retries2 probes; the descriptor stays open until the program closes it"
	reasonPersistOpen   = "the kernel probes the peer's closed window: it gives up only if the probes stay unanswered"
	reasonPersistOrphan = "nobody holds the socket any more: the kernel probes the closed window no longer than the orphan limit"

	reasonKeepalive       = "keepalive probes next: what happens then depends on whether the peer still knows the connection; the descriptor stays open whatever ends the socket"
	reasonKeepaliveSilent = "keepalive probes stay unanswered: the kernel gives up after the last of them and sends a reset; the descriptor stays open until the program closes it"
	reasonKeepaliveForgot = "the peer has forgotten the connection and answers the next keepalive probe with a reset; the descriptor stays open until the program closes it"

	reasonKeepaliveOwn = "keepalive probes stay unanswered, at intervals of the socket's own that could not be read: the kernel gives up after some more of them; the descriptor stays open until the program closes it"

	// staysOpen is what does not hold of a socket that nobody has.
	staysOpen = "; the descriptor stays open until the program closes it"

	// What is added where the socket's own options could not be read.
	unreadOption = "; a TCP_USER_TIMEOUT of its own, which could not be read, would count instead"
	unreadNever  = ", unless it has a TCP_USER_TIMEOUT, which could not be read"

	reasonFinLong  = "tcp_fin_timeout is above 60 s: the excess runs on this timer and once more on that of a mini socket"
	reasonFinShort = "tcp_fin_timeout ends the closed socket: the peer does not close its side"
	reasonLinger   = "TCP_LINGER2 of the socket ends it: the peer does not close its side"
	reasonFinOpen  = "tcp_fin_timeout is above 60 s: its first part runs on this timer"
)
