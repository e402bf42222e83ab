// Package plan thinks about changes before they are made: what each step would do, what it would not, what has to be accepted by name, and what is refused.
//
// It is pure. What it plans is a report.Change, which internal/change makes.
package plan
