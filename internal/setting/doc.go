// Package setting knows the kernel settings (sysctls) that decide when TCP gives up, and their neighbours: unit, range, scope, default, and which sockets feel a new
// value when.
//
// It reads and writes none of them; see package sysctl.
package setting
