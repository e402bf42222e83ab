// Package explain is what closewait knows about the limits, states and codes it speaks of: one page for each, which says what it is, which sockets it
// concerns, what is wrongly believed of it and what it amounts to on a host.
//
// The texts are files (pages/*.txt). What can be computed is not typed into them: a word in braces stands for a figure or a table, which come from
// package forecast and from the settings of the host (see figures). What is typed names its source: a section of an RFC, a kernel function, an experiment.
//
// The package is pure. It reads no setting, opens no file and is safe for concurrent use.
package explain
