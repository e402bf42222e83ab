package lab_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/lab"
	"github.com/closewait/closewait/internal/report"
)

func TestSummarize(t *testing.T) {
	foretold := func(offBy time.Duration, right bool) report.LabPrediction {
		return report.LabPrediction{EndedSeconds: report.SecondsOf(time.Second), ErrorSeconds: report.SecondsOf(offBy), Right: right}
	}
	got := lab.Summarize([]report.LabScene{
		{Name: "a", Status: report.LabPassed, Predictions: []report.LabPrediction{foretold(time.Millisecond, true)}},
		{Name: "b", Status: report.LabFailed, Predictions: []report.LabPrediction{foretold(-3*time.Second, false), {Right: true}}}, // the second is of one that stays
		{Name: "c", Status: report.LabPassed, Predictions: []report.LabPrediction{foretold(-2*time.Millisecond, true)}},
		{Name: "d", Status: report.LabSkipped},
		{Name: "e", Status: report.LabPassed, Remedy: &report.LabRemedy{Right: true, ForetoldAnew: true}},
		{Name: "e", Status: report.LabFailed, Remedy: &report.LabRemedy{}},
	})
	want := report.LabSummary{
		Scenes: 6, Passed: 3, Failed: 2, Skipped: 1,
		Predictions: report.LabPredictionsSum{
			Count: 3, Right: 2, MedianErrorSeconds: report.SecondsOf(2 * time.Millisecond), MaxErrorSeconds: report.SecondsOf(3 * time.Second), MaxErrorScene: new("b"),
		},
		Remedies: report.LabRemediesSum{Count: 2, Right: 1, ForetoldAnew: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if none := lab.Summarize(nil); none != (report.LabSummary{}) {
		t.Errorf("of nothing: %+v", none)
	}
}
