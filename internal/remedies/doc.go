// Package remedies knows what helps against each cause, what does not although people say so, and where the mistake is to be looked for.
//
// A remedy is a command that fits whoever runs the program: a systemd unit, a container, a pod, a bare process. It says what it frees, whether it can be undone
// and what it risks. Advice about the program depends on its runtime, which is recognised from its executable, its name and its command line; where they say
// nothing, the advice is that for any program.
//
// Each cause has one row of plans (see plan) and a section of bugs/any.txt; each runtime has a file in bugs with what is particular to it.
//
// Some things are never proposed, and a test holds every cause, owner and runtime to it: destroying what waits in an accept queue (the places stay taken), destroying
// or keepalive against a leak (both hide it), a sysctl for sockets that no timer runs on, a signal to a database's process, SIGKILL to anybody.
//
// The package is pure: it runs nothing and asks nothing.
package remedies
