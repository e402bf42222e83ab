// Package procfs reads what closewait needs from /proc: who holds a socket, what kind of process that is and who runs it, and the counters of a
// network namespace.
//
// Every file has a parser that takes a reader or bytes and knows nothing of the system, and a method of [FS] that opens the file and does nothing
// else. Parsers skip what they do not know. The root is a value, so the same code reads a fixture, a host's /proc mounted into a container, or the
// real one.
//
// Nothing here needs a privilege, but the descriptors of other users' processes can be listed only by those who may trace them
// (PTRACE_MODE_READ_FSCREDS: the same user, or CAP_SYS_PTRACE). What may not be read is counted, never passed over in silence: see [WalkStats].
//
// # Untrusted text
//
// Process names, command lines, cgroup paths and the names of containers and pods are chosen by whoever runs the process. They are returned as they
// are, control characters included: whoever prints them must escape them.
//
// An FS is a value without state and safe for concurrent use.
package procfs
