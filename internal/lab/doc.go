// Package lab reproduces stuck sockets in private networks and holds what closewait says of them against what happens.
//
// A [Scene] is played by a process of its own in a network of its own ([Run] starts it, [Perform] is its program): it builds the sockets, starts the other processes
// it needs (their programs are functions of the scene, run by [RunProgram]), narrates what it does, and states what the diagnosis must find and when the kernel must end a socket.
// The answers come from the same code as those of the verbs, which the caller hands in as a [Looker].
//
// Nothing outside is touched. Networks are anonymous: they go with the last process in them, and every process dies with the one that started it, however that ends. What
// should survive all the same is found by [Leftovers], because each process carries [Mark] in its environment.
package lab
