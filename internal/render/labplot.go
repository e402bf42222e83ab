package render

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"time"

	"github.com/closewait/closewait/internal/report"
)

// The plot's measures in pixels: a time axis with what was sent above it and what came below, and beside it the ladder of segments.
const (
	plotWidth, plotHeight    = 1000, 300
	plotLeft, plotRight      = 60, 30
	plotAxis                 = 190
	ladderTop, ladderStep    = 380, 22
	ladderLocal, ladderPeer  = 300, 700
	ladderMost               = 60 // segments; a story is no capture file
	plotTickTarget           = 10
	plotStroke               = `stroke="#333" stroke-width="1"`
	plotSent, plotReceived   = "#0b66c2", "#777777"
	plotForecast, plotActual = "#c26a0b", "#b3261e"
)

// LabPlot draws a scene as SVG: every segment of the watched connection on one time axis with the pauses between retransmissions, the interval of the forecast and
// the end, and below it the exchange as a sequence diagram.
func LabPlot(w io.Writer, s *report.LabScene) error {
	p := plot{w: bufio.NewWriter(w), scene: s, end: plotEnd(s)}
	segments := p.segments()
	rows := min(len(segments), ladderMost)
	p.line(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`,
		plotWidth, ladderTop+(rows+2)*ladderStep, plotWidth, ladderTop+(rows+2)*ladderStep)
	p.line(`<rect width="100%%" height="100%%" fill="#ffffff"/>`)
	p.text(plotLeft, 24, "start", fmt.Sprintf("%s: %s", s.Name, s.Title))
	p.axis()
	p.predictions()
	p.marks(segments)
	p.ladder(segments[:rows], len(segments)-rows)
	p.line(`</svg>`)
	return p.w.Flush()
}

// plotEnd is the length of the time axis: the story, and the latest end foretold.
func plotEnd(s *report.LabScene) time.Duration {
	end := time.Duration(s.Seconds)
	for i := range s.Predictions {
		if p := &s.Predictions[i]; p.EndedSeconds != nil && p.Ends.LatestSeconds != nil {
			end = max(end, time.Duration(p.AtSeconds)+time.Duration(*p.Ends.LatestSeconds))
		}
	}
	return max(end, time.Second)
}

// plot writes; an error of writing is kept by the buffer until it is flushed.
type plot struct {
	w     *bufio.Writer
	scene *report.LabScene
	end   time.Duration
}

func (p *plot) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

func (p *plot) text(x, y int, anchor, text string) {
	p.line(`<text x="%d" y="%d" text-anchor="%s">%s</text>`, x, y, anchor, html.EscapeString(Clean(text)))
}

func (p *plot) x(at report.Seconds) int {
	return plotLeft + int(float64(plotWidth-plotLeft-plotRight)*float64(at)/float64(p.end))
}

func (p *plot) segments() []*report.LabEvent {
	var list []*report.LabEvent
	for i := range p.scene.Story {
		if p.scene.Story[i].Segment != nil {
			list = append(list, &p.scene.Story[i])
		}
	}
	return list
}

// axis draws the time line with about ten round ticks.
func (p *plot) axis() {
	p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" %s/>`, plotLeft, plotAxis, plotWidth-plotRight, plotAxis, plotStroke)
	step := tick(p.end)
	for at := time.Duration(0); at <= p.end; at += step {
		x := p.x(report.Seconds(at))
		p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" %s/>`, x, plotAxis, x, plotAxis+5, plotStroke)
		p.text(x, plotAxis+20, "middle", fmt.Sprintf("%g s", at.Seconds()))
	}
}

// tick is the least of 1, 2, 5 times a power of ten that gives few enough ticks.
func tick(end time.Duration) time.Duration {
	for unit := 100 * time.Millisecond; ; unit *= 10 {
		for _, times := range []time.Duration{1, 2, 5} {
			if end/(unit*times) <= plotTickTarget {
				return unit * times
			}
		}
	}
}

// marks draws what was sent above the axis, first transmissions higher than repeated ones are wide, and what came below it.
func (p *plot) marks(segments []*report.LabEvent) {
	var before *report.LabEvent
	for _, e := range segments {
		x := p.x(e.AtSeconds)
		if !e.Segment.Sent {
			p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s"/>`, x, plotAxis, x, plotAxis+30, plotReceived)
			continue
		}
		height := 30
		if e.Segment.Repeat > 0 {
			height = 60
			if before != nil { // the pause since the transmission before
				p.line(`<path d="M %d %d Q %d %d %d %d" fill="none" stroke="%s" stroke-dasharray="3 3"/>`,
					p.x(before.AtSeconds), plotAxis-60, (p.x(before.AtSeconds)+x)/2, plotAxis-90, x, plotAxis-60, plotSent)
			}
			p.text(x, plotAxis-64, "middle", fmt.Sprint(e.Segment.Repeat))
		}
		if e.Segment.Repeat > 0 || e.Segment.What == "data" || e.Segment.What == "fin" {
			before = e
		}
		p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-width="2"/>`, x, plotAxis, x, plotAxis-height, plotSent)
	}
	p.text(plotLeft, plotHeight-50, "start", "above the line: sent by the socket, numbers count retransmissions; below: what came back")
}

// predictions draws the interval of each forecast that was held against the clock, and the end.
func (p *plot) predictions() {
	for i := range p.scene.Predictions {
		f := &p.scene.Predictions[i]
		if f.EndedSeconds == nil {
			continue
		}
		from, to := p.x(f.AtSeconds+*f.Ends.EarliestSeconds), p.x(f.AtSeconds+*f.Ends.LatestSeconds)
		p.line(`<rect x="%d" y="60" width="%d" height="%d" fill="%s" fill-opacity="0.3"/>`, from, max(to-from, 2), plotAxis-60, plotForecast)
		p.text(from, 54, "end", "foretold")
		x := p.x(f.AtSeconds + *f.EndedSeconds)
		p.line(`<line x1="%d" y1="60" x2="%d" y2="%d" stroke="%s" stroke-width="2"/>`, x, x, plotAxis+30, plotActual)
		p.text(x, plotAxis+44, "end", fmt.Sprintf("ended after %.3f s", labSeconds(*f.EndedSeconds)))
	}
}

// ladder draws the exchange of segments between the two ends, in order and not to scale.
func (p *plot) ladder(segments []*report.LabEvent, more int) {
	if len(segments) == 0 {
		return
	}
	bottom := ladderTop + len(segments)*ladderStep
	for _, end := range []struct {
		x    int
		name string
	}{{ladderLocal, "this host"}, {ladderPeer, "peer"}} {
		p.text(end.x, ladderTop-ladderStep, "middle", end.name)
		p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" %s/>`, end.x, ladderTop-ladderStep/2, end.x, bottom, plotStroke)
	}
	for i, e := range segments {
		y := ladderTop + i*ladderStep
		from, to, tip := ladderLocal, ladderPeer, -8
		color := plotSent
		if !e.Segment.Sent {
			from, to, tip, color = ladderPeer, ladderLocal, 8, plotReceived
		}
		p.line(`<path d="M %d %d L %d %d M %d %d L %d %d L %d %d" fill="none" stroke="%s"/>`, from, y, to, y+10, to+tip, y+4, to, y+10, to+tip, y+14, color)
		p.text(ladderLocal-20, y+4, "end", fmt.Sprintf("%.3f s", labSeconds(e.AtSeconds)))
		p.text(ladderPeer+20, y+12, "start", e.Text)
	}
	if more > 0 {
		p.text(ladderLocal, bottom+ladderStep, "start", fmt.Sprintf("and %d more", more))
	}
}
