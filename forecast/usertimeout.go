package forecast

import (
	"time"

	"github.com/closewait/closewait/tcp"
)

// clamped is the answer when the running timer is shorter than the time-out, which nothing but an unknown TCP_USER_TIMEOUT does
// (tcp_clamp_rto_to_user_timeout): the socket ends when it fires. Its length gives the option away, without any privilege.
func (v *view) clamped(p *plan) Ends {
	ends := Ends{Kind: At, By: ByUserTimeout, Reason: reasonClamped, Error: v.errorOf(v.unreachable()), Elapsed: p.elapsed.source}
	l := v.firing(p.armed, 1)
	v.moments(&ends, l.moment(), p.elapsed.phase)
	if total, ok := v.socket.Info.Duration(tcp.TotalRTOTime); ok && v.uint(tcp.TotalRTORecoveries) == 1 {
		// The timer was rounded up to a jiffy, and the stamp set at one.
		user := (total + v.socket.Timer.Expires).Round(10 * time.Millisecond)
		ends.Limit = Limit{"TCP_USER_TIMEOUT", user.Milliseconds(), user}
	}
	return ends
}
