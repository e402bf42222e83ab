// Package record reads looks at a host that somebody kept: text pasted from ss(8), netstat(8) or /proc/net/tcp.
//
// [Parse] takes whatever people paste: with or without headers, several outputs one after the other, shell prompts, colours, quotation marks of mails in front of
// the lines. It finds out by itself what each line is, collects what it cannot read in [Source.Skipped], and says in [Source.Unknown] what the text cannot tell.
//
// # What is not in the text
//
// No kernel fact is made up. Where [tcp.Socket] has no way to say "not known", a value that no kernel uses stands in, and the [Detail] of the socket says so:
//
//   - [TimerUnknown] where the text shows no timers at all (ss and netstat without -o).
//   - [UnknownUID], the kernel's own number for "no user", where no user is shown.
//   - Cookies from 1<<63 up where no cookie is shown, one for each socket, because findings name sockets by them; see [StandIn].
//   - Inode numbers from 1<<32-1 down where no inode is shown, one for each socket, because owners are joined by them and because 0 would
//     say that no file refers to the socket: [Detail.InodeKnown] is false. Sockets that never have a file (mini and request sockets) get 0, and
//     so do FIN_WAIT_2 sockets of which it is not known whether they are mini sockets.
//   - State established and addresses 0.0.0.0:0 for a timer that was pasted alone: [Detail.StateKnown] and [Detail.AddressKnown] are false.
//
// # Zeros that ss leaves out
//
// ss prints nothing for most fields of tcp_info that are zero, and old versions or kernels do not have the field at all. A field that is left out is taken for zero when
//
//   - a field that came into ss, and one that came into the kernel, no earlier than the missing one are in the same output; and
//   - a field that ss prints after the missing one is in the same line, or the line is shorter than another one of that output, so that it
//     was not cut at the edge of a screen.
//
// Otherwise it stays unknown. This matters most for snd_wnd, the last field that ss prints before 6.6: a closed window is only
// believed where its absence means something. Fields that ss hides at other values than zero as well (ssthresh, cwnd, minrtt, pacing_rate) are never
// filled in; rto, which it hides at exactly 3 s, and reordering, which it hides at 3, are.
//
// # Limits
//
// The text is not trusted: its length and the number of sockets are bounded by [Limits], long lines are skipped, and the time taken grows with the
// length of the text only. Nothing in this package keeps state between calls, and all of it may be used from several goroutines at once.
package record
