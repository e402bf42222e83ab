package host

import (
	"context"
	"io"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/probe"
	"github.com/closewait/closewait/tcp"
)

// askable is how many sockets could be asked through their descriptors in the time that it takes to load a program which asks all at once.
const askable = 400

// own asks sockets for what decides about their ends by a BPF program, where they are many or it knows more than their descriptors would tell. Without it they stay unasked.
func (v *visit) own(ctx context.Context) {
	wanted, namespaces, inside := v.ending()
	if v.request.NoBPF || len(wanted) == 0 || !inside && len(wanted) < askable {
		return
	}
	v.ownOf(ctx, wanted, namespaces)
}

// ownOf asks sockets of some namespaces.
func (v *visit) ownOf(ctx context.Context, wanted map[tcp.Cookie]struct{}, namespaces []*look.Namespace) {
	program, err := probe.OpenOptions(v.snapshot.Clock.Tick())
	if err != nil {
		return
	}
	defer program.Close()
	for _, n := range namespaces {
		if common, ok := commonOptions(n.Sysctls); ok && !n.Skipped {
			v.ownIn(ctx, program, n, common, wanted)
		}
	}
}

// ownIn asks those of one namespace. What fails leaves them unasked.
func (v *visit) ownIn(ctx context.Context, program *probe.Options, n *look.Namespace, common look.Options, wanted map[tcp.Cookie]struct{}) {
	var records io.ReadCloser
	if err := v.host.roots.Do(v.spaces[n.Inode], func() (err error) {
		records, err = program.In()
		return err
	}); err != nil {
		return
	}
	defer records.Close()
	_ = program.Each(ctx, records, func(cookie tcp.Cookie, o look.Options) {
		if _, ok := wanted[cookie]; !ok {
			return
		}
		if n.Options == nil {
			n.Options = map[tcp.Cookie]look.Options{}
		}
		n.Options[cookie] = completed(o, &common)
	})
}

// ending lists the sockets whose end a timer may bring, of those that the look is about, and the namespaces they are in: the program walks over the sockets of all of them for each. inside is true when what only the kernel's own memory shows matters to one of them: it
// has no descriptor to be asked through, as orphans and connections that nobody has accepted, or it is stuck, so that its end depends on when its timer fires.
func (v *visit) ending() (wanted map[tcp.Cookie]struct{}, namespaces []*look.Namespace, inside bool) {
	wanted = map[tcp.Cookie]struct{}{}
	v.each(func(n *look.Namespace, s *tcp.Socket) {
		if !look.Telling(s) || v.request.Holders != nil && !v.request.Holders(s) {
			return
		}
		if last := len(namespaces) - 1; last < 0 || namespaces[last] != n {
			namespaces = append(namespaces, n)
		}
		wanted[s.Cookie] = struct{}{}
		inside = inside || s.Inode == 0 || stuck(s)
	})
	return wanted, namespaces, inside
}

// stuck says whether a socket waits for an answer that is overdue, or for a window to open.
func stuck(s *tcp.Socket) bool {
	return s.Timer.Count > 0 || s.Timer.Kind == tcp.TimerPersist || s.State == tcp.SynSent
}

// known reports whether a socket was asked already.
func known(n *look.Namespace, s *tcp.Socket) bool {
	_, ok := n.Options[s.Cookie]
	return ok
}

// commonOptions are those that sockets of a namespace have when they have none of their own.
func commonOptions(sysctls map[string]int64) (o look.Options, ok bool) {
	idle, ok1 := sysctls["tcp_keepalive_time"]
	interval, ok2 := sysctls["tcp_keepalive_intvl"]
	probes, ok3 := sysctls["tcp_keepalive_probes"]
	syn, ok4 := sysctls["tcp_syn_retries"]
	return look.Options{
		KeepaliveTime: time.Duration(idle) * time.Second, KeepaliveInterval: time.Duration(interval) * time.Second, KeepaliveProbes: int(probes), SynRetries: int(syn),
	}, ok1 && ok2 && ok3 && ok4
}

// completed puts the namespace's in the place of what a socket does not have of its own.
func completed(o look.Options, common *look.Options) look.Options {
	if o.KeepaliveTime == 0 {
		o.KeepaliveTime = common.KeepaliveTime
	}
	if o.KeepaliveInterval == 0 {
		o.KeepaliveInterval = common.KeepaliveInterval
	}
	if o.KeepaliveProbes == 0 {
		o.KeepaliveProbes = common.KeepaliveProbes
	}
	if o.SynRetries == 0 {
		o.SynRetries = common.SynRetries
	}
	return o
}
