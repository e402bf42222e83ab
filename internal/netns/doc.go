// Package netns lists, names and enters network namespaces.
//
// A namespace is known by the inode of its file in nsfs, which no other namespace has while it lives. Everything that leads to one (a pid, a path) can lead to another
// a moment later, so [Roots.Open] compares the inode of what it opened.
//
// A thread, not a process, is in a network namespace. [File.Do] runs a function on a thread of its own and never lets a thread that is in the wrong one
// go back to the runtime's pool.
package netns
