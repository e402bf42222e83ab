package lab

import (
	"cmp"
	"slices"
	"time"

	"github.com/closewait/closewait/internal/report"
)

// Summarize counts what came out of scenes.
func Summarize(scenes []report.LabScene) report.LabSummary {
	sum := report.LabSummary{Scenes: len(scenes)}
	var misses []miss
	for i := range scenes {
		s := &scenes[i]
		switch s.Status {
		case report.LabPassed:
			sum.Passed++
		case report.LabFailed:
			sum.Failed++
		default:
			sum.Skipped++
		}
		for k := range s.Predictions {
			if p := &s.Predictions[k]; p.EndedSeconds != nil {
				misses = append(misses, miss{time.Duration(*p.ErrorSeconds).Abs(), s.Name, p.Right})
			}
		}
		if s.Remedy != nil {
			addRemedy(&sum.Remedies, s.Remedy)
		}
	}
	sum.Predictions = sumMisses(misses)
	return sum
}

func addRemedy(sum *report.LabRemediesSum, r *report.LabRemedy) {
	sum.Count++
	if r.Right {
		sum.Right++
	}
	if r.ForetoldAnew {
		sum.ForetoldAnew++
	}
}

// miss is how far a forecast was off.
type miss struct {
	by    time.Duration
	scene string
	right bool
}

func sumMisses(misses []miss) report.LabPredictionsSum {
	sum := report.LabPredictionsSum{Count: len(misses)}
	if len(misses) == 0 {
		return sum
	}
	for _, m := range misses {
		if m.right {
			sum.Right++
		}
	}
	slices.SortFunc(misses, func(a, b miss) int { return cmp.Compare(a.by, b.by) })
	most := misses[len(misses)-1]
	sum.MedianErrorSeconds, sum.MaxErrorSeconds = report.SecondsOf(misses[(len(misses)-1)/2].by), report.SecondsOf(most.by)
	sum.MaxErrorScene = &most.scene
	return sum
}
