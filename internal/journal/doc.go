// Package journal keeps the record of changes: one file each, changes/ID.json below the state directory, readable by its owner alone.
//
// An entry is written and synced, with its directory, before the first step is made, and completed in place after each one, or after thousands that were made at once. The file is whole JSON at every
// instant: a process that is killed leaves an entry in state "open", whose steps without a status were not made, or not finished.
//
// Steps whose effect ends with the kernel are not synced one by one: what a loss of power takes from the journal then, it took from the sockets, too.
package journal
