package filter

import "strings"

// Needs is a set of things to find out before a filter can be matched.
type Needs uint16

// The things that cost something. What a word needs, it needs for its answer to be known: a row without it is not an error.
const (
	// NeedOwners is holders, their processes and workloads.
	NeedOwners Needs = 1 << iota
	// NeedCauses is the row's cause, code and severity, hence a diagnosis.
	NeedCauses
	// NeedEnds is the row's forecast.
	NeedEnds
	// NeedAge is the row's age, from the history or from tcp_info.
	NeedAge
	// NeedInfo is the socket's tcp_info.
	NeedInfo
	// NeedMark is the socket's mark, which the kernel tests and reports only with CAP_NET_ADMIN.
	NeedMark
	// NeedCgroup is the socket's cgroup ID (since Linux 5.8).
	NeedCgroup
	// NeedKernel means that only a dump of the live kernel can answer, which reports no trace of the fact (autobound):
	// on a recording the filter is too wide.
	NeedKernel
)

var needNames = [...]string{"owners", "causes", "ends", "age", "info", "mark", "cgroup", "kernel"}

// Has reports whether all of n is needed.
func (set Needs) Has(n Needs) bool { return set&n == n }

// String returns the names of what is needed, such as "owners+info", or "nothing".
func (set Needs) String() string {
	var names []string
	for i, name := range needNames {
		if set.Has(1 << i) {
			names = append(names, name)
		}
	}
	if names == nil {
		return "nothing"
	}
	return strings.Join(names, "+")
}
