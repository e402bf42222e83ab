// Package stage makes private networks and TCP sockets in them, for whoever wants to see a socket in a certain state: the lab and, through nstest, the tests.
//
// [Enter] says how a process is started inside a network of its own, without root where user namespaces are allowed; [Unshare] and [Pair] make further networks, the
// latter joined by a cable that can be cut. [Socket] is a descriptor with the few operations that bring it into a state; [Socket.Deafen] loses what arrives for one end.
//
// Everything acts in the network namespace of the calling thread and returns its errors; nothing here waits longer than [Patience].
package stage
