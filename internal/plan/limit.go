package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// Limit plans limits of the patience of sockets: options that are set through a duplicate of their descriptor.
type Limit struct {
	// UserTimeout is TCP_USER_TIMEOUT in whole milliseconds, 0 to switch it off.
	UserTimeout time.Duration
	// RTOMax is TCP_RTO_MAX_MS, 0 to leave it as it is.
	RTOMax time.Duration
	// Keepalive is the value keepalive is to have, "" to leave it as it is: see report.Keepalive.
	Keepalive report.Value
	// Read returns the value an option has now. Errors: fs.ErrPermission, fs.ErrNotExist when the socket has ended.
	Read func(*report.Step) (report.Value, error)
	// Own reports whether a socket is the connection the user came in by; nil means that none is.
	Own func(*look.Row) bool
}

// Draft plans the steps for each socket that can be reached and would feel the limit, and says which cannot and why. Rows tell in EndsIf what the limit would do.
func (l *Limit) Draft(rows []look.Row) *Draft {
	d := &Draft{}
	g := grouping{title: l.title, steps: make([]report.Step, 0, len(rows))}
	for i := range rows {
		r := &rows[i]
		why := l.cannot(r)
		var steps []report.Step
		if why == "" {
			steps, why = l.steps(r)
		}
		if why != "" {
			g.leave(why)
			continue
		}
		if l.Own != nil && l.Own(r) {
			d.Risk(report.RiskOwnConnection, name(r.Socket)+" is the connection you came in by")
		}
		if l.Keepalive != "" && peerClosed(r.Socket) {
			d.Risk(report.RiskHidesLeak, "keepalive ends such a socket once its peer has forgotten it, but the descriptor stays open: a leak goes on unseen")
		}
		g.add(r, steps...)
	}
	d.Steps, d.Groups = g.result()
	d.Sockets = g.touched()
	if len(d.Steps) > 0 {
		d.Groups[0].Lines = append(d.Groups[0].Lines, l.general()...)
	}
	if len(d.Steps) == 0 {
		d.Refuse(g.why("the limit would do nothing"), "")
	}
	return d
}

// cannot says why a socket cannot be limited, or would not feel it; "" when it can.
func (l *Limit) cannot(r *look.Row) string {
	s := r.Socket
	switch {
	case s.State == tcp.Listen:
		return "a listener waits for no answer: it would only pass the limit on to connections it accepts later"
	case s.State == tcp.Bound || s.State == tcp.Closed:
		return "only bound, not connected: there is nothing to limit"
	}
	if why := unreachable(r); why != "" {
		return why
	}
	if s.State == tcp.TimeWait {
		return "the connection is over"
	}
	if l.Keepalive == "" && tcp.SetOf(tcp.CloseWait, tcp.FinWait2).Has(s.State) && idle(s) {
		return "nothing is in flight and no keepalive runs, so no timer that could end it: only its program's close does"
	}
	return ""
}

// idle reports whether no timer of the socket waits for an answer.
func idle(s *tcp.Socket) bool {
	return (s.Timer.Kind == tcp.TimerNone || s.Timer.Kind == tcp.TimerDelack) && s.SendQueue == 0
}

// unreachable says why no descriptor leads to a socket, "" when one does.
func unreachable(r *look.Row) string {
	s := r.Socket
	switch {
	case s.Unaccepted() || s.State == tcp.SynReceived:
		return "not accepted yet: no process has a descriptor of it"
	case s.Inode == 0:
		return "closed by its program already: no process has a descriptor of it"
	case r.Holders == nil:
		return "no process was seen to hold it: it is on its way between two, or hidden from all but root (CAP_SYS_PTRACE)"
	case len(r.Holders) == 0:
		return "no process is seen to hold a descriptor of it"
	}
	return ""
}

// steps returns what is to be set on a socket, or why it cannot be.
func (l *Limit) steps(r *look.Row) (steps []report.Step, why string) {
	for _, option := range l.options() {
		s := step(r, option.action, option.value)
		s.Undoable = true
		before, err := l.Read(&s)
		if err != nil {
			return nil, whyUnread(err)
		}
		s.Before = before
		steps = append(steps, s)
	}
	return steps, ""
}

type option struct {
	action string
	value  report.Value
}

func (l *Limit) options() []option {
	list := []option{{report.ActionUserTimeout, report.Duration(l.UserTimeout)}}
	if l.RTOMax > 0 {
		list = append(list, option{report.ActionRTOMax, report.Duration(l.RTOMax)})
	}
	if l.Keepalive != "" {
		list = append(list, option{report.ActionKeepalive, l.Keepalive})
	}
	return list
}

// whyUnread says why a socket was not reached through the descriptors that lead to it.
func whyUnread(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it has ended meanwhile"
	case errors.Is(err, fs.ErrPermission):
		return "its process may not be touched: that takes the same user or root (CAP_SYS_PTRACE), and a system that allows pidfd_getfd"
	}
	return err.Error()
}

// title describes a group of sockets that are limited: what was, and when the limit is felt.
func (l *Limit) title(m *members) report.Group {
	g := report.Group{Sign: "~", Title: m.heading(), Undoable: true, Lines: []report.Line{{Label: "was", Text: was(m.steps)}}}
	if text := when(m.all); text != "" {
		g.Lines = append(g.Lines, report.Line{Label: "when", Text: text})
	}
	return g
}

// general says what is true of all groups: what the limit does, what it does not, what it risks.
func (l *Limit) general() []report.Line {
	lines := []report.Line{{Label: "effect", Text: l.effect()}}
	add := func(label, text string) { lines = append(lines, report.Line{Label: label, Text: text}) }
	if text := l.also(); text != "" {
		add("effect", text)
	}
	add("not", "the descriptors: they stay open, whatever ends the connections, until the program closes them")
	if l.UserTimeout > 0 && l.UserTimeout < rfcPatience {
		add("risk", fmt.Sprintf("an outage of the path that lasts longer than %s ends connections that would have survived it", spoken(l.UserTimeout)))
	}
	if l.Keepalive != "" {
		add("undo", "puts the numbers of keepalive back, but as the sockets' own: they no longer follow tcp_keepalive_*")
	}
	return lines
}

// rfcPatience is the least time RFC 9293 (3.8.3, SHLD-11) wants a connection to be tried for.
const rfcPatience = 100 * time.Second

// effect says what TCP_USER_TIMEOUT does (retransmits_timed_out, tcp_probe_timer, tcp_keepalive_timer).
func (l *Limit) effect() string {
	if l.UserTimeout == 0 {
		return "no limit of its own any more: those of the namespace hold again (tcp_retries2)"
	}
	return fmt.Sprintf("what is sent and not answered for %s ends the connection: sending fails with ETIMEDOUT. It counts from the first retransmission, or the first probe of a "+
		"closed window, and ends a peer that keeps its window closed as well", spoken(l.UserTimeout))
}

// spoken is a duration as it is given on the command line: 5m, not 5m0s.
func spoken(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// also says what the other options do.
func (l *Limit) also() string {
	text := ""
	if l.RTOMax > 0 {
		text = fmt.Sprintf("no retransmission waits longer than %s after the one that is due", spoken(l.RTOMax))
	}
	if l.Keepalive != "" {
		if text != "" {
			text += "; "
		}
		text += "keepalive " + l.Keepalive.String() + " (seconds of silence / between probes / probes)"
		if l.UserTimeout > 0 {
			text += "; the limit takes the place of the number of probes"
		}
	}
	return text
}

// was lists the values that are replaced.
func was(steps []report.Step) string {
	text := ""
	seen := map[string]bool{}
	for i := range steps {
		value := steps[i].Show(steps[i].Before)
		if seen[value] {
			continue
		}
		seen[value] = true
		if len(seen) > maxValues {
			return text + ", ..."
		}
		if text != "" {
			text += ", "
		}
		text += value
	}
	return text
}

// maxValues is how many different values are listed.
const maxValues = 6
