// Package forecast says when the kernel ends a TCP socket, by which of its timers and with which error, or that it never will.
//
// It is pure: socket facts and limits in, [Ends] out. It opens no file and does not ask the time. A [Model] holds what is common to the sockets of a
// network namespace: its sysctls ([LimitsOf]), the clock at the moment of the look and what is known of the kernel. All of it may be unknown; the
// interval of the answer grows with what is.
//
// The model follows the kernel function by function (net/ipv4/tcp_timer.c, kernel/time/timer.c); comments name them. Three things decide most
// answers:
//
//   - tcp_retries2 is no count. [Timeout] turns it into a time (tcp_model_timeout), counted from the first retransmission, and the socket dies at the first
//     firing of its timer beyond that time.
//   - Firings are far apart, so the moment is fixed by the running timer and the doublings after it; where a firing falls close to the limit, a few
//     milliseconds decide between two moments, and the answer names both.
//   - Timers fire late, by up to an eighth of their length: the timer wheel rounds each expiry up to a slot. Where the current jiffies are known this is computed exactly.
//     Elsewhere what one firing tells of the next is used, and the rest is half a slot.
//
// A forecast assumes that nothing changes: no acknowledgement, no ICMP message, no new limit. It is void as soon as the count of retransmissions
// falls. Where nobody answers for the next hop it follows what the kernel does with the waiting segment (RFC 6069), if it is told what the kernel knows of that hop
// ([Neighbour]); where it is not told, that shows only once a time-out found its segment still waiting, or a back-off was undone: until then the answer is that of
// a path that swallows everything, which comes up to a time-out earlier and with ETIMEDOUT.
//
// Models, like all values of this package, may be used by several goroutines at once as long as nobody changes them. A forecast allocates nothing.
package forecast
