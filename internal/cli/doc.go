// Package cli is the command line of closewait: one file per verb, and what all verbs share.
//
// The rules of its output, which every verb keeps by using the same few functions:
//
//   - The answer goes to stdout, buffered. Nothing else does.
//   - Notes, progress and errors go to stderr, each note once: "closewait: note: ...", "closewait: error: ...", lower case, no full stop. An error
//     has at most four lines: what failed, "why", "help". With -o json it is one object instead.
//   - Text chosen by others passes through render.Clean before it is shown, on stderr too.
//   - On a terminal: aligned, coloured, fitted to the width. In a pipe: tab-separated, everything, no colour, no prompt.
//   - A reader that goes away (| head) is no error. A disk that is full is one.
//   - The exit code says how it went, see Code.
//
// The package does not look at the host itself: Config holds the function that does, and the environment, the clock and the streams.
package cli
