package cli

import (
	"context"
	"errors"
	"time"

	"github.com/closewait/closewait/internal/redact"
	"github.com/closewait/closewait/internal/render"
)

// look asks the host or what --from names. It is the one way of every verb to an answer. The host is asked within the time there is, and it is shown when that takes long.
func (a *app) look(ctx context.Context, q Query) (*Answer, error) {
	if q.Netns == nil {
		q.Netns = a.flags.netns
	}
	if a.flags.redact {
		if a.substitutes == nil {
			a.substitutes = redact.New()
		}
		q.Redact = a.substitutes
	}
	if a.flags.from != nil {
		return a.lookFrom(ctx, q)
	}
	if a.cfg.Look == nil {
		return nil, &Error{Exit: Unsupported, Message: "look at this host: not in this build", Help: "closewait capabilities"}
	}
	q.NoBPF = a.flags.noBPF
	ctx, cancel := context.WithTimeout(ctx, a.flags.timeout)
	defer cancel()
	defer a.progress("reading sockets")()
	answer, err := a.unhung(ctx, q)
	if errors.Is(err, context.DeadlineExceeded) { // a Looker should not let it come to this
		return nil, &Error{Exit: Usage, Code: "timeout", Message: "nothing could be read within " + a.flags.timeout.String(), Help: "--timeout 30s", Err: err}
	}
	return answer, err
}

// judge says on stderr what could not be read, and makes --strict answers fail. A screen that shows the notes itself sets shown.
func (a *app) judge(answer *Answer, shown bool) {
	for _, n := range answer.Report.Incomplete {
		if !render.Weighs(n) && a.flags.verbose == 0 {
			continue
		}
		if render.Weighs(n) && a.flags.strict {
			a.code = Incomplete
		}
		if shown {
			continue
		}
		if n.Remedy != "" {
			a.note("%s %s (%s)", n.Code, n.Message, n.Remedy)
		} else {
			a.note("%s %s", n.Code, n.Message)
		}
	}
}

// patience is how long a look may take before a line says so.
const patience = 400 * time.Millisecond
