package filter

import (
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// The functions of this file compare a name of a row with a pattern. Those about holders are true when one of the holders has the name.

// commLength is the longest name of a process the kernel keeps: TASK_COMM_LEN without its zero byte.
const commLength = 15

// comm compares a name that the kernel has cut with what is left of the pattern after the same cut.
func comm(row *look.Row, pattern string) truth {
	return holder(row, pattern, func(p *look.Process, pattern string) truth {
		if len(pattern) > commLength && len(p.Comm) == commLength && !hasGlob(pattern) {
			pattern = pattern[:commLength]
		}
		return known(glob(pattern, p.Comm))
	})
}

func workload(row *look.Row, pattern string) truth {
	return holder(row, pattern, func(p *look.Process, pattern string) truth {
		return run(p, glob(pattern, p.Workload.Name))
	})
}

// unitName compares with and without the suffix of services, which people leave out.
func unitName(row *look.Row, pattern string) truth {
	return holder(row, pattern, func(p *look.Process, pattern string) truth {
		unit := p.Workload.Unit
		return run(p, unit != "" && (glob(pattern, unit) || glob(pattern, strings.TrimSuffix(unit, ".service"))))
	})
}

// minShortID is how many digits of a container's ID must be given at least.
const minShortID = 4

// container compares the ID, the beginning of the ID, and the name people use for a container.
func container(row *look.Row, pattern string) truth {
	return holder(row, pattern, func(p *look.Process, pattern string) truth {
		w := &p.Workload
		short := len(pattern) >= minShortID && strings.HasPrefix(w.ContainerID, pattern)
		return run(p, w.ContainerID != "" && (short || glob(pattern, w.ContainerID)) || w.Kind == look.KindContainer && glob(pattern, w.Name))
	})
}

// pod compares "namespace/name", or the name alone if the pattern has no slash.
func pod(row *look.Row, pattern string) truth {
	return holder(row, pattern, func(p *look.Process, pattern string) truth {
		name := p.Workload.Pod
		if !strings.Contains(pattern, "/") {
			name = name[strings.LastIndexByte(name, '/')+1:]
		}
		return run(p, name != "" && glob(pattern, name))
	})
}

// run is the outcome of a comparison with a process's workload, which is not known when not even its name is.
func run(p *look.Process, same bool) truth {
	return decide(same, !same && p.Workload.Name != "")
}

// holder asks of every holding process. Holders of whose process nothing is known leave a "no" unknown.
func holder(row *look.Row, pattern string, has func(*look.Process, string) truth) truth {
	if row.Holders == nil {
		return unknown
	}
	result := no
	for _, h := range row.Holders {
		one := unknown
		for _, p := range row.Processes {
			if p != nil && p.PID == h.PID {
				one = has(p, pattern)
				break
			}
		}
		if result = max(result, one); result == yes {
			return yes
		}
	}
	return result
}

// netns compares the name of a namespace or the number that identifies it.
func netns(row *look.Row, pattern string) truth {
	if row.Netns == nil {
		return unknown
	}
	var digits [20]byte
	number := strconv.AppendUint(digits[:0], row.Netns.Inode, 10)
	return known(row.Netns.Name != "" && glob(pattern, row.Netns.Name) || string(number) == pattern)
}

func cause(row *look.Row, pattern string) truth {
	return known(row.Cause != "" && glob(pattern, row.Cause))
}

func code(row *look.Row, pattern string) truth {
	return known(row.Code != "" && glob(pattern, row.Code))
}
