package filter

import (
	"strconv"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// cgroupTest is "cgroup".
type cgroupTest struct {
	is comparison
	id uint64
}

func (n cgroupTest) eval(row *look.Row) truth {
	if !row.Socket.Has(tcp.HasCgroup) {
		return unknown
	}
	return n.is.of(known(row.Socket.More().CgroupID == n.id))
}

func (n cgroupTest) limits(holds bool) limits {
	return exactCondition(tcp.Cgroup{ID: n.id}, holds == (n.is == equal))
}

func (n cgroupTest) String() string {
	return "cgroup " + n.is.String() + " " + strconv.FormatUint(n.id, 10)
}

func parseCgroup(p *parser, w *word) (node, *SyntaxError) {
	is, problem := p.comparison(w, false)
	if problem != nil {
		return nil, problem
	}
	t, problem := p.value(w, "the path or ID of a cgroup")
	if problem != nil {
		return nil, problem
	}
	if n, err := parseNumber(t.text, 64); err == nil {
		return cgroupTest{is, n}, nil
	}
	if p.options.Cgroup == nil {
		return nil, p.fail(t, "give the cgroup's ID, the inode number of its directory", "the cgroup path %s cannot be resolved here", quote(t))
	}
	id, err := p.options.Cgroup(t.text)
	if err != nil {
		return nil, p.unresolved(t, "cgroup", err)
	}
	return cgroupTest{is, id}, nil
}
