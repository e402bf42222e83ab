// Package diagnose finds out why TCP sockets are stuck. It is pure: snapshots in, findings out.
//
// The work has three steps. Each socket that is suspect is offered to the rules in their order of precedence, and the first that recognises its
// signature claims it. Claims that share a cause, an owner and a role form a group. Each group becomes one finding, to which its rule adds the
// evidence, what helps and what does not.
//
// There is one file per cause. A rule claims only what the kernel shows: where evidence is missing it claims less or nothing, and a socket that no
// rule claims is not reported as stuck.
package diagnose
