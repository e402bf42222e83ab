package render

import (
	"fmt"

	"github.com/closewait/closewait/internal/report"
)

// The ladder's measures in pixels, and how much it shows.
const (
	ladderTop               = plotHeight + 40
	ladderStep, ladderNote  = 22, 17
	ladderLocal, ladderPeer = 300, 700
	ladderTime              = 100 // where the time of a row ends
	ladderMost              = 60  // segments; a story is no capture file
	ladderWidth             = 120 // of a note, in characters
)

// ladderRow is a segment, or lines of what was said.
type ladderRow struct {
	event *report.LabEvent
	note  []string
}

func (r *ladderRow) height() int {
	if r.note == nil {
		return ladderStep
	}
	return len(r.note)*ladderNote + 4
}

// rows are the story in its order, with no more segments than anybody reads.
func (p *plot) rows() (rows []ladderRow) {
	segments := 0
	for i := range p.scene.Story {
		e := &p.scene.Story[i]
		if e.Segment == nil {
			rows = append(rows, ladderRow{e, wrap(labGlyphs[e.Kind][0]+" "+Clean(e.Text), ladderWidth)})
			continue
		}
		if segments++; segments <= ladderMost {
			rows = append(rows, ladderRow{event: e})
		}
	}
	if segments > ladderMost {
		rows = append(rows, ladderRow{note: []string{fmt.Sprintf("and %d more segments", segments-ladderMost)}})
	}
	return rows
}

func ladderHeight(rows []ladderRow) int {
	height := ladderTop - plotHeight + ladderStep
	for i := range rows {
		height += rows[i].height()
	}
	return height
}

// ladder draws the exchange of segments between the two ends, in order and not to scale, and what was said in between.
func (p *plot) ladder(rows []ladderRow) {
	bottom := plotHeight + ladderHeight(rows) - ladderStep
	p.rail(ladderLocal, bottom, "this host")
	p.rail(ladderPeer, bottom, "peer")
	y := ladderTop
	for i := range rows {
		r := &rows[i]
		if r.event != nil {
			p.text(ladderTime, y+4, "end", plotReceived, fmt.Sprintf("%.3f s", labSeconds(r.event.AtSeconds)))
		}
		if r.note != nil {
			p.note(y, r.note)
		} else {
			p.arrow(y, r.event)
		}
		y += r.height()
	}
}

func (p *plot) rail(x, bottom int, name string) {
	p.text(x, ladderTop-ladderStep, "middle", "", name)
	p.line(`<line x1="%d" y1="%d" x2="%d" y2="%d" %s/>`, x, ladderTop-ladderStep/2, x, bottom, plotStroke)
}

// note writes what was said over the rails.
func (p *plot) note(y int, lines []string) {
	p.line(`<rect x="%d" y="%d" width="%d" height="%d" fill="#f2f2f2"/>`, ladderTime+10, y-9, plotWidth-plotRight-ladderTime, len(lines)*ladderNote)
	for i, line := range lines {
		p.text(ladderTime+16, y+3+i*ladderNote, "start", "", line)
	}
}

// arrow draws a segment from one end to the other, or as far as the path lets it.
func (p *plot) arrow(y int, e *report.LabEvent) {
	s := e.Segment
	from, to, tip, color := ladderLocal, ladderPeer, -8, plotSent
	if !s.Sent {
		from, to, tip, color = ladderPeer, ladderLocal, 8, plotReceived
	}
	if s.Lost {
		p.line(`<path d="M %d %d L %d %d m -5 -5 l 10 10 m 0 -10 l -10 10" fill="none" stroke="%s"/>`, from, y, (from+to)/2, y+5, color)
	} else {
		p.line(`<path d="M %d %d L %d %d M %d %d L %d %d L %d %d" fill="none" stroke="%s"/>`, from, y, to, y+10, to+tip, y+4, to, y+10, to+tip, y+14, color)
	}
	p.text(ladderPeer+14, y+8, "start", "", e.Text)
}
