package render

import (
	"fmt"

	"github.com/closewait/closewait/internal/report"
)

// predictions draws the limit and the interval of each forecast that was held against the clock, and the end.
func (p *plot) predictions() {
	for i := range p.scene.Predictions {
		f := &p.scene.Predictions[i]
		if f.EndedSeconds == nil {
			continue
		}
		ended := f.AtSeconds + *f.EndedSeconds
		earliest, best, latest := f.AtSeconds+*f.Ends.EarliestSeconds, f.AtSeconds+*f.Ends.Seconds, f.AtSeconds+*f.Ends.LatestSeconds
		from, to := p.x(earliest), p.x(latest)
		p.line(`<rect x="%d" y="%d" width="%d" height="%d" fill="%s" fill-opacity="0.3"/>`, from, plotTop, max(to-from, 2), plotAxis-plotTop, plotForecast)
		p.beside(from, plotForetold, plotForecast,
			fmt.Sprintf("foretold at %.3f s for %.3f s (%.3f to %.3f)", labSeconds(f.AtSeconds), labSeconds(best), labSeconds(earliest), labSeconds(latest)))
		p.died(ended, fmt.Sprintf("ended at %.3f s, %s", labSeconds(ended), punctuality(*f.ErrorSeconds)))
		p.limit(f)
	}
}

// punctuality says how far off a forecast was.
func punctuality(off report.Seconds) string {
	switch {
	case off == 0:
		return "as foretold"
	case off < 0:
		return fmt.Sprintf("%.3f s sooner", labSeconds(-off))
	}
	return fmt.Sprintf("%.3f s later", labSeconds(off))
}

// died draws an end.
func (p *plot) died(at report.Seconds, text string) {
	x := p.x(at)
	p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-width="2"/>`, x, plotTop, x, plotAxis+12, plotActual)
	p.beside(x, plotForetold+plotLine, plotActual, text)
}

// limit draws the time that the kernel compares with at each firing, from where it began to count. The end is the first firing behind it.
func (p *plot) limit(f *report.LabPrediction) {
	l := f.Ends.Limit
	if l == nil || f.CountedFromSeconds == nil {
		return
	}
	from, to := p.x(*f.CountedFromSeconds), p.x(*f.CountedFromSeconds+l.Seconds)
	p.line(`<path d="M %d %d v 8 M %d %d H %d M %d %d v 8" fill="none" stroke="%s" stroke-width="2"/>`, from, plotBracket-4, from, plotBracket, to, to, plotBracket-4, plotForecast)
	p.text(from, plotBracket+18, "start", plotForecast,
		fmt.Sprintf("%s=%d: %.1f s counted from here; the end comes when the timer fires for the first time after that", l.Name, l.Value, labSeconds(l.Seconds)))
}

// remedy draws the action and the end it brought.
func (p *plot) remedy() {
	r := p.scene.Remedy
	if r == nil {
		return
	}
	x := p.x(r.AtSeconds)
	p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-width="2"/>`, x, plotTop, x, plotAxis+12, plotAction)
	p.beside(x, plotForetold, plotAction, fmt.Sprintf("closewait %s at %.3f s", r.Command, labSeconds(r.AtSeconds)))
	if r.EndedSeconds != nil {
		ended := r.AtSeconds + *r.EndedSeconds
		p.died(ended, fmt.Sprintf("%d of %d ended, the last at %.3f s", r.Freed.Sockets, r.Sockets, labSeconds(ended)))
	}
}
