// Package change makes planned changes and takes them back. It is the only package that alters the system, and only the acting verbs import it.
//
//	plan → guard → journal → apply → verify → result
//
// A Runner goes through the steps of a change. What a step means is known to the Actor of its action alone: one for sysctls, one for files, one for each thing that can
// be done to a socket. The Runner sees to it that every step is in the journal before it is made, that nothing is written where the target is not what it was when the
// change was planned, and that "done" is only said of what was read back.
package change
