package filter

import (
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// timerTest is "timer".
type timerTest struct {
	is   comparison
	kind tcp.TimerKind
}

func (n timerTest) eval(row *look.Row) truth { return n.is.of(known(row.Socket.Timer.Kind == n.kind)) }

// limits knows that the timer of mini sockets runs in two states only.
func (n timerTest) limits(holds bool) limits {
	if n.kind != tcp.TimerTimeWait {
		return noLimits()
	}
	return within(tcp.SetOf(tcp.TimeWait, tcp.FinWait2), holds == (n.is == equal))
}

func (n timerTest) String() string { return "timer " + n.is.String() + " " + n.kind.String() }

// timerNames lists what may stand after "timer".
func timerNames() []string {
	var names []string
	for k := tcp.TimerNone; k <= tcp.TimerDelack; k++ {
		names = append(names, k.String())
	}
	return names
}

func parseTimer(p *parser, w *word) (node, *SyntaxError) {
	is, problem := p.comparison(w, false)
	if problem != nil {
		return nil, problem
	}
	t, problem := p.value(w, "a timer")
	if problem != nil {
		return nil, problem
	}
	kind, err := tcp.ParseTimerKind(strings.ReplaceAll(strings.ToLower(t.text), "-", ""))
	if err != nil {
		return nil, p.fail(t, didYouMean(t.text, timerNames(), "timers"), "unknown timer %s", quote(t))
	}
	return timerTest{is, kind}, nil
}
