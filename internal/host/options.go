package host

import (
	"context"
	"errors"
	"fmt"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/sockopt"
	"github.com/closewait/closewait/tcp"
)

// mostAsked bounds how many sockets are asked for their options; one costs about 10 µs.
const mostAsked = 10_000

// options asks sockets whose holders are known for what decides about their ends: first those that retransmit or probe a closed window, of which options end the most.
func (v *visit) options(ctx context.Context) {
	if !v.request.Options {
		return
	}
	v.own(ctx)
	asked, refused, left := 0, 0, 0
	for _, keepalive := range [...]bool{false, true} {
		v.each(func(n *look.Namespace, s *tcp.Socket) {
			if !look.Telling(s) || (s.Timer.Kind == tcp.TimerKeepalive) != keepalive || known(n, s) {
				return
			}
			holders := v.snapshot.Holders.Of(s.Inode)
			switch {
			case len(holders) == 0:
				return
			case asked == mostAsked || ctx.Err() != nil:
				left++
				return
			}
			asked++
			switch o, err := ask(s, holders); {
			case err == nil && n.Options == nil:
				n.Options = map[tcp.Cookie]look.Options{s.Cookie: o}
			case err == nil:
				n.Options[s.Cookie] = o
			case !errors.Is(err, sockopt.ErrGone):
				refused++
			}
		})
	}
	v.unasked(refused, left)
}

// resources reads what TCP uses of the whole host's limits where sockets that nobody holds are to be forecast: beyond them they are reset.
func (v *visit) resources() {
	if !v.request.Options || v.snapshot.Memory != nil {
		return
	}
	v.each(func(_ *look.Namespace, s *tcp.Socket) {
		if v.snapshot.Memory == nil && s.Orphan() && look.Telling(s) {
			v.snapshot.Memory = v.memory()
		}
	})
}

// unasked says that sockets were not asked for their options, as they may not be or were too many.
func (v *visit) unasked(refused, left int) {
	if refused > 0 {
		v.missing("CW501", fmt.Sprintf("sockets that may not be asked for a TCP_USER_TIMEOUT of their own, which would end them sooner: %d", refused), remedy(nil, askRemedy))
	}
	if left > 0 {
		v.missing("CW501", fmt.Sprintf("sockets that were not asked for a TCP_USER_TIMEOUT of their own: %d, as there are too many", left), "use a narrower filter")
	}
}

const askRemedy = "run as root (CAP_SYS_PTRACE)"

// ask asks through the first holder that lets us; the error is that of the last.
func ask(s *tcp.Socket, holders []look.Holder) (o look.Options, err error) {
	for _, h := range holders {
		if o, err = sockopt.Options(h.PID, h.FD, s.Inode, s.Cookie); err == nil {
			break
		}
	}
	return o, err
}
