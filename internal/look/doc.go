// Package look holds what one look at one host has found: plain data, joined and ready to be thought about.
//
// A Snapshot can be kept, replayed and compared with a later one. What could not be read is in it, too: nil slices and the Missing list say what is
// not known, so that nobody takes silence for absence.
package look
