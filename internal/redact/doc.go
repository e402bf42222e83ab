// Package redact replaces what names people and places in a look: addresses, host and process names, command lines, cgroups, units, containers, pods.
//
// The same value always gets the same substitute, and relations that verdicts rest on stay: which addresses are equal, loopback, private, link-local or IPv4-mapped, in
// one /24 or /64, what holds which socket, what belongs to one unit. Numbers stay: ports, pids, inodes, cookies, users, queues and times.
//
// Treatment goes by type and, for text, by the tag "redact" of the field. It fails closed: text and bytes without a tag are left out. The treatments are
//
//	keep     words of ours or of the kernel's source
//	name     a name somebody chose, with the parts that systemd gives a meaning
//	path     a path of names
//	file     what a descriptor refers to
//	command  a command line
//	id       an identifier in hexadecimal digits
//	release  the release of a kernel: its numbers stay, which forecasts rest on
//	text     a sentence, of which nothing stays but that there is one
//	drop     nothing stays
package redact
