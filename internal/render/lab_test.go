package render_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/closewait/closewait/internal/golden"
	"github.com/closewait/closewait/internal/render"
	"github.com/closewait/closewait/internal/report"
)

// played is a scene with a name that is not fit for a file of XML.
func played() *report.LabScene {
	at := func(s float64) report.Seconds { return report.Seconds(s * float64(time.Second)) }
	in := func(s float64) *report.Seconds { return report.SecondsOf(time.Duration(s * float64(time.Second))) }
	s := &report.LabScene{Name: "vanished", Title: "a <peer> & its \x1b[2Jend", Status: report.LabPassed, Seconds: at(6.9)}
	s.Story = []report.LabEvent{
		{AtSeconds: 0, Kind: "act", Text: "the path swallows everything"},
		{AtSeconds: at(0.01), Kind: "segment", Text: "-> data 200 bytes", Segment: &report.LabSegment{Sent: true, What: "data", Bytes: 200}},
		{AtSeconds: at(0.22), Kind: "segment", Text: "-> data 200 bytes, retransmission 1", Segment: &report.LabSegment{Sent: true, What: "data", Bytes: 200, Repeat: 1}},
		{AtSeconds: at(0.63), Kind: "segment", Text: "-> data 200 bytes, retransmission 2", Segment: &report.LabSegment{Sent: true, What: "data", Bytes: 200, Repeat: 2, Lost: true}},
		{AtSeconds: at(0.64), Kind: "segment", Text: "<- ACK", Segment: &report.LabSegment{What: "ack"}},
		{AtSeconds: at(6.9), Kind: "end", Text: "ended"},
	}
	s.Verdicts = []report.LabVerdict{{Expected: "CW201", Right: true}}
	s.Predictions = []report.LabPrediction{
		{AtSeconds: at(0.5), Ends: report.Ends{Kind: "at", Seconds: in(6.4), EarliestSeconds: in(6.39), LatestSeconds: in(6.41), Limit: &report.Limit{Name: "tcp_retries2", Value: 4, Seconds: at(6.2)}},
			EndedSeconds: in(6.4), ErrorSeconds: in(0), CountedFromSeconds: in(0.22), Right: true},
		{AtSeconds: at(0.6), Ends: report.Ends{Kind: "never"}, Right: true},
	}
	return s
}

func TestLabPlot(t *testing.T) {
	action := played()
	action.Predictions = nil
	action.Remedy = &report.LabRemedy{Command: "limit 2s", AtSeconds: report.Seconds(time.Second), Sockets: 1, Freed: report.Frees{Sockets: 1}, EndedSeconds: report.SecondsOf(5 * time.Second)}
	silent := &report.LabScene{Name: "silent", Title: "nothing was seen"}
	long := played()
	for range 100 {
		long.Story = append(long.Story, long.Story[4])
	}
	for name, s := range map[string]*report.LabScene{"lab": played(), "labaction": action, "labsilent": silent, "lablong": long} {
		var b bytes.Buffer
		if err := render.LabPlot(&b, s); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, name+".svg", b.Bytes())
		for decoder := xml.NewDecoder(&b); ; {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestLab_text(t *testing.T) {
	var b bytes.Buffer
	failed, silent, skipped := played(), played(), played()
	failed.Status, failed.Reason = report.LabFailed, new("the kernel \x1b[2Jdisagrees")
	silent.Verdicts, silent.Predictions = []report.LabVerdict{{Right: true}}, nil
	skipped.Status, skipped.Reason, skipped.Verdicts, skipped.Predictions = report.LabSkipped, new("no veth devices"), nil, nil
	for _, style := range []render.Style{{}, {ASCII: true}} {
		for i := range played().Story {
			if err := render.LabEvent(&b, &played().Story[i], style); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range []*report.LabScene{played(), failed, silent, skipped} {
			if err := render.LabScene(&b, s, style); err != nil {
				t.Fatal(err)
			}
		}
	}
	golden.Compare(t, "lab.golden", b.Bytes())
}

func TestLabRemedies(t *testing.T) {
	var b bytes.Buffer
	done, refused, broken := played(), played(), played()
	done.Remedy = &report.LabRemedy{
		Command: "close --how=destroy", Sockets: 12, Freed: report.Frees{Sockets: 12}, EndedSeconds: report.SecondsOf(12 * time.Millisecond),
		Owner: new("ECONNABORTED"), Sent: new("reset"), Right: true,
	}
	refused.Remedy = &report.LabRemedy{Command: "limit 2s", Sockets: 3, Refused: new("the limit would do nothing: not accepted yet: no process has a descriptor of it, whatever \x1b[2J is said"), Right: true}
	itself, late := played(), played()
	itself.Remedy = &report.LabRemedy{
		Command: "limit 2s", Sockets: 2, Freed: report.Frees{Sockets: 1}, ByThemselves: 1, EndedSeconds: report.SecondsOf(4166 * time.Millisecond),
		Refused: new("the limit would do nothing"), Sent: new("nothing"), Right: true,
	}
	late.Remedy = &report.LabRemedy{
		Command: "tune tcp_retries2=3", Sockets: 2, Freed: report.Frees{Sockets: 2}, ByThemselves: 1, ForetoldAnew: true,
		EndedSeconds: report.SecondsOf(3 * time.Second), Right: true,
	}
	broken.Status, broken.Reason, broken.Settings = report.LabFailed, new("the scene was not to be had"), map[string]any{"act": "tune"}
	for _, style := range []render.Style{{}, {ASCII: true, Width: 60}} {
		if err := render.LabRemedies(&b, []report.LabScene{*done, *refused, *itself, *late, *broken}, style); err != nil {
			t.Fatal(err)
		}
	}
	golden.Compare(t, "labremedies.golden", b.Bytes())
}

func TestLabSummary(t *testing.T) {
	var b bytes.Buffer
	all := report.LabSummary{
		Scenes: 135, Passed: 132, Failed: 1, Skipped: 2,
		Predictions: report.LabPredictionsSum{
			Count: 12, Right: 11, MedianErrorSeconds: report.SecondsOf(2 * time.Millisecond), MaxErrorSeconds: report.SecondsOf(2275 * time.Millisecond), MaxErrorScene: new("no-\x1bneighbour"),
		},
		Remedies: report.LabRemediesSum{Count: 104, Right: 103, ForetoldAnew: 2},
	}
	for _, s := range []report.LabSummary{all, {Scenes: 2, Passed: 2, Remedies: report.LabRemediesSum{Count: 2, Right: 2}}} {
		if err := render.LabSummary(&b, &s); err != nil {
			t.Fatal(err)
		}
	}
	golden.Compare(t, "labsummary.golden", b.Bytes())
}
