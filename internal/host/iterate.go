package host

import (
	"context"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/probe"
	"github.com/closewait/closewait/tcp"
)

const (
	// loading is how many links of /proc/PID/fd could be read in the time that loading a BPF program takes.
	loading = 2000
	// quicker is how many descriptors an iterator passes in the time that reading one link takes.
	quicker = 20
)

// iterate finds holders, and with all the descriptors of dead sockets, by a BPF iterator. It reports false, and has changed nothing, where that is not allowed or not
// possible: "closewait capabilities" says why.
func (v *visit) iterate(ctx context.Context, all bool) bool {
	if !v.host.proc.Native() {
		return false
	}
	total, _ := v.host.proc.Descriptors()
	iterator, err := probe.OpenHolders(total)
	if err != nil {
		return false
	}
	defer iterator.Close()
	v.wantKnown()
	var dead []look.DeadFD
	err = iterator.Walk(ctx, func(d *probe.Descriptor) {
		own := look.Descriptor{FD: int32(d.FD), Inode: d.Inode, FlagsKnown: true, CloseOnExec: d.CloseOnExec}
		switch {
		case d.Kind == probe.Epoll, d.Kind == probe.Ring:
			v.passedFile(d)
		case !v.passed(d.PID, own) && d.PID != v.host.self && d.Kind == probe.TCPSocket && d.State == tcp.Closed && d.Connected && v.selected(d.Netns):
			dead = append(dead, look.DeadFD{PID: d.PID, FD: d.FD, Inode: d.Inode})
		}
	})
	if err != nil {
		v.snapshot.Holders, v.known, v.passing = v.wanted(), look.Holders{}, newDescriptors(v.snapshot.Count())
		return false
	}
	v.snapshot.Holders.Sort()
	if all {
		v.snapshot.Dead = append(v.snapshot.Dead, dead...)
	}
	return true
}

// passedFile notes what may tell of sockets when somebody asks.
func (v *visit) passedFile(d *probe.Descriptor) {
	switch {
	case v.request.Inquire == nil:
	case d.Kind == probe.Epoll:
		v.passing.epoll(d.PID, d.FD)
	default:
		v.passing.ring(d.PID, d.FD)
	}
}

// mayIterate reports whether an iterator is wanted and likely to be quicker than /proc.
func (v *visit) mayIterate(all bool) bool {
	wanted := v.snapshot.Holders.Wanted()
	if v.request.NoBPF || !all && wanted < loading {
		return false
	}
	total, known := v.host.proc.Descriptors()
	return known && worthwhile(all, wanted, total)
}

// worthwhile compares what both ways cost at least. An iterator passes all descriptors; a search in /proc may end once all holders are found.
func worthwhile(all bool, wanted, total int) bool {
	least := wanted
	if all {
		least = total
	}
	return least > loading+total/quicker
}
