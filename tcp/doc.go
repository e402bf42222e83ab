// Package tcp is the vocabulary of closewait: what a Linux TCP socket is, in the words of the kernel, RFC 9293 and ss(8).
//
// It holds values only. Nothing in it opens a file, asks the time or allocates behind the caller's back, so that
// every other package can speak of sockets without depending on how they were found.
//
// # Unknown is not zero
//
// Kernels report different subsets of a socket's facts. Wherever a fact can be missing, its accessor returns a second
// value that says whether the kernel sent it: [Info.Uint], [Info.Duration] and [Socket.Has].
//
// # Names
//
// States are spelled as OpenTelemetry spells them ("close_wait"); [ParseState] reads every spelling in use. Addresses
// are [net/netip] values; the IPv4-mapped addresses of an IPv6 socket keep their form (::ffff:192.0.2.1) and
// [Condition] values treat them as the IPv4 addresses they stand for, as the kernel does.
package tcp
