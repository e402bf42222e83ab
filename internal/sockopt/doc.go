// Package sockopt reads the sockets of other processes, and sets their options, through a duplicate of their descriptor (pidfd_getfd(2), since 5.6).
//
// A duplicate is held for the few microseconds of one question and closed at once: while it is open, a close by the owner would send no FIN. Looks use [Inspect] alone,
// for sockets that are in no table of sock_diag any more, where nothing can be sent at all; [Borrow] is for changes.
//
// It needs ptrace rights over the process (PTRACE_MODE_ATTACH_REALCREDS): the same user, or CAP_SYS_PTRACE; Yama can restrict it further.
package sockopt
