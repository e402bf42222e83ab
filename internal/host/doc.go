// Package host takes one look at the live host: it asks the doors (sock_diag, /proc, namespaces, settings), joins their answers and returns a
// look.Snapshot.
//
// Evidence is bought only where it is needed. First every namespace that has sockets is dumped; then the holders of the sockets the caller asks for
// are looked up in one pass over the descriptors; then, if anything is undecided, those sockets are looked at once more a moment later.
//
// What cannot be read becomes an entry of Snapshot.Missing, never an error: an error means that not even the caller's own namespace could be read.
package host
