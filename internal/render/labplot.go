package render

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"time"

	"github.com/closewait/closewait/internal/report"
)

// The plot's measures in pixels: a time axis with what was sent above it and what came back and the limit below, and under all that the ladder of segments.
const (
	plotWidth, plotHeight   = 1000, 320
	plotLeft, plotRight     = 60, 40
	plotTitle, plotLegend   = 24, 44
	plotForetold            = 70 // the words above the forecast; those above the end are a line lower
	plotLine                = 16
	plotTop                 = plotForetold + plotLine + 6
	plotAxis                = 230
	plotFirst, plotRepeat   = 24, 48 // heights of what was sent for the first time, and again
	plotArc, plotArcWritten = 30, 40 // how high the pauses are above that, and how long one must be to have its time written
	plotBracket             = plotAxis + 44
	plotTickTarget          = 10
	plotStroke              = `stroke="#333" stroke-width="1"`
)

// The colours of the plot.
const (
	plotSent, plotReceived   = "#0b66c2", "#777777"
	plotForecast, plotActual = "#c26a0b", "#b3261e"
	plotAction               = "#1a7f37"
)

// LabPlot draws a scene as SVG: every segment of the watched connection on one time axis with the pauses between retransmissions, the limit, the interval of the forecast, the
// action and the end, and below it the exchange as a sequence diagram with what the scene and closewait said.
func LabPlot(w io.Writer, s *report.LabScene) error {
	p := plot{w: bufio.NewWriter(w), scene: s, end: plotEnd(s)}
	segments, rows := p.segments(), p.rows()
	height := plotHeight + ladderHeight(rows)
	p.line(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`, plotWidth, height, plotWidth, height)
	p.line(`<rect width="100%%" height="100%%" fill="#ffffff"/>`)
	p.text(plotLeft, plotTitle, "start", "", fmt.Sprintf("%s: %s", s.Name, s.Title))
	p.legend(segments)
	p.predictions()
	p.remedy()
	p.axis()
	p.marks(segments)
	p.ladder(rows)
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

// text writes words at a place; color "" is black.
func (p *plot) text(x, y int, anchor, color, text string) {
	if color != "" {
		color = fmt.Sprintf(` fill="%s"`, color)
	}
	p.line(`<text x="%d" y="%d" text-anchor="%s"%s>%s</text>`, x, y, anchor, color, html.EscapeString(Clean(text)))
}

// beside writes words next to an upright line, on the side where there is room.
func (p *plot) beside(x, y int, color, text string) {
	if x > plotWidth/2 {
		p.text(x-4, y, "end", color, text)
		return
	}
	p.text(x+4, y, "start", color, text)
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

// legend says what the marks of segments are, or that there are none.
func (p *plot) legend(segments []*report.LabEvent) {
	text := "above the line what this host sent: numbers count retransmissions or probes, arcs are the pauses before them; below it what came back"
	if len(segments) == 0 {
		text = "no segment of the connection was seen on the wire"
	}
	p.text(plotLeft, plotLegend, "start", plotReceived, text)
}

// axis draws the time line with about ten round ticks.
func (p *plot) axis() {
	p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" %s/>`, plotLeft, plotAxis, plotWidth-plotRight, plotAxis, plotStroke)
	step := tick(p.end)
	for at := time.Duration(0); at <= p.end; at += step {
		x := p.x(report.Seconds(at))
		p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" %s/>`, x, plotAxis, x, plotAxis+5, plotStroke)
		p.text(x, plotAxis+26, "middle", "", fmt.Sprintf("%g s", at.Seconds()))
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

// marks draws what was sent above the axis, what is sent again higher than what is sent first, and what came back below it.
func (p *plot) marks(segments []*report.LabEvent) {
	var before *report.LabEvent
	for _, e := range segments {
		x := p.x(e.AtSeconds)
		if !e.Segment.Sent {
			p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s"/>`, x, plotAxis, x, plotAxis+12, plotReceived)
			continue
		}
		height, n := plotFirst, attempt(e.Segment)
		if n > 0 {
			height = plotRepeat
			if before != nil {
				p.pause(before.AtSeconds, e.AtSeconds)
			}
			p.text(x+3, plotAxis-plotRepeat+12, "start", plotSent, fmt.Sprint(n))
		}
		if n > 0 || e.Segment.What == "data" || e.Segment.What == "fin" {
			before = e
		}
		p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-width="2"/>`, x, plotAxis, x, plotAxis-height, plotSent)
	}
}

// attempt is which retransmission or probe a segment is, 0 for none.
func attempt(s *report.LabSegment) int {
	if s.What == "window_probe" {
		return s.Repeat + 1
	}
	return s.Repeat
}

// pause draws the time between two attempts, and its length where there is room for it.
func (p *plot) pause(from, to report.Seconds) {
	a, b, base := p.x(from), p.x(to), plotAxis-plotRepeat
	p.line(`<path d="M %d %d Q %d %d %d %d" fill="none" stroke="%s" stroke-dasharray="3 3"/>`, a, base, (a+b)/2, base-2*plotArc, b, base, plotSent)
	if b-a >= plotArcWritten {
		p.text((a+b)/2, base-plotArc-4, "middle", plotSent, fmt.Sprintf("%.2f s", labSeconds(to-from)))
	}
}
