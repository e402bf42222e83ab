// Package forecast says when the kernel ends a TCP socket, by which of its timers and with which error, or that it never will.
//
// It is pure: socket facts in, [Ends] out. It opens no file and does not ask the time.
package forecast
