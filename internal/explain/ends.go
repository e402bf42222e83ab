package explain

import (
	"fmt"
	"math"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

// idle is a time that keepalive takes. Settings near what an int holds come to more than a time.Duration does.
type idle struct {
	seconds int64
	known   bool
}

// idleEnd is how long keepalive takes to give up an idle connection whose peer is gone (tcp_keepalive_timer): the wait and as many intervals as probes.
func idleEnd(l *forecast.Limits) idle {
	if !l.KeepaliveTime.Known || !l.KeepaliveInterval.Known || !l.KeepaliveProbes.Known {
		return idle{}
	}
	wait, interval := int64(l.KeepaliveTime.Value/time.Second), int64(l.KeepaliveInterval.Value/time.Second)
	return idle{wait + interval*l.KeepaliveProbes.Value, true}
}

// String writes the time in seconds, or that it is not known.
func (i idle) String() string {
	switch {
	case !i.known:
		return "a time not known here"
	case i.seconds > math.MaxInt64/int64(time.Second):
		return "centuries"
	}
	return fmt.Sprintf("%d s", i.seconds) + inMinutes(time.Duration(i.seconds)*time.Second)
}

// orphanEnds says what becomes of a socket nobody holds (tcp_orphan_retries): 0 stands for 8 while time-outs still grow, and for none when they no
// longer do.
func (f figures) orphanEnds() []string {
	set := f.facts.limits().OrphanRetries
	switch {
	case !set.Known:
		return []string{"Held by nobody, no answer: not known here (tcp_orphan_retries)."}
	case set.Value > math.MaxUint8:
		return []string{"Held by nobody, no answer: ended after hours."}
	case set.Value > 0:
		return []string{"Held by nobody, no answer: limit " + seconds(forecast.Timeout(int(set.Value), f.facts.rtoMax())) + "."}
	}
	return []string{
		fmt.Sprintf("Held by nobody, no answer: limit %s (0 stands for %d);", seconds(forecast.Timeout(orphanDefault, f.facts.rtoMax())), orphanDefault),
		"once waits have reached " + seconds(f.facts.rtoMax()) + ", ended at the next firing.",
	}
}

// orphanDefault is what tcp_orphan_retries makes of 0.
const orphanDefault = 8

// probeEnds says what becomes of a socket whose peer vanishes behind a closed window.
func (f figures) probeEnds() []string {
	retries := f.facts.limits().Retries2
	switch {
	case !retries.Known:
		return []string{"Peer gone: ended after a time not known here (tcp_retries2)."}
	case retries.Value > math.MaxUint8:
		return []string{"Peer gone: ended after hours."}
	}
	fresh, most := probeTimes(retries.Value, f.facts.rtoMax())
	interval := most / time.Duration(retries.Value+1)
	return []string{
		"Peer answers: never ended, as long as a program holds the socket.",
		"Peer gone since the window closed: ended after " + minutes(fresh) + " (RTT 1 ms).",
		"Peer gone later, with probes every " + seconds(interval) + ": after up to " + minutes(most) + ".",
	}
}

// localEnd says what becomes of a socket whose packets do not leave this host: the same timer runs.
func (f figures) localEnd() string {
	retries := f.facts.limits().Retries2
	if !retries.Known || retries.Value > math.MaxUint8 {
		return "Held by a program: ended after a time not known here (tcp_retries2)."
	}
	fresh, _ := probeTimes(retries.Value, f.facts.rtoMax())
	return "Held by a program: ended after " + minutes(fresh) + " (RTT 1 ms), if nothing gets out."
}

// probeTimes is how long the probes of a closed window go unanswered before the kernel gives up, on a path of 1 ms (tcp_probe_timer): each is waited
// for once, and the first as well. Fresh counts from the closing of the window, most is the time when all intervals are as long as they get, which
// tcp_retries2 bounds, too (tcp_send_probe0).
func probeTimes(retries int64, rtoMax time.Duration) (fresh, most time.Duration) {
	wait := min(firstWait(lan, forecast.Defaults().RTOMin.Value), rtoMax)
	fresh = wait
	for range retries {
		wait = min(2*wait, rtoMax)
		fresh += wait
	}
	return fresh, wait * time.Duration(retries+1)
}

// finEnd says what becomes of a closed socket in FIN_WAIT_2. Above a minute the excess runs twice, on the socket's timer and on that of its
// stand-in, so the model is asked.
func (f figures) finEnd() string {
	set := f.facts.limits().FinTimeout
	switch {
	case !set.Known:
		return "Held by nobody: ended after a time not known here (tcp_fin_timeout)."
	case set.Value <= time.Minute:
		return "Held by nobody: ended after " + whole(set.Value) + "."
	}
	m := forecast.Model{Limits: f.facts.limits()}
	ends := m.Ends(&tcp.Socket{State: tcp.FinWait2, Timer: tcp.Timer{Kind: tcp.TimerKeepalive, Expires: set.Value - time.Minute}})
	if ends.Kind != forecast.At {
		return "Held by nobody: ended after a time not known here."
	}
	return "Held by nobody: ended after about " + whole(ends.Best) + ", not as set."
}
