// Package neighbour asks the kernel for the next hop on the way to a peer, and what it knows of its link layer address: rtnetlink(7), which anybody may ask.
//
// It reads two tables of the calling thread's network namespace once, those of neighbours (RTM_GETNEIGH) and of how they are asked for (RTM_GETNEIGHTBL), and looks up a
// route for each peer (RTM_GETROUTE); tables of routes, which can be large, are not read.
package neighbour
