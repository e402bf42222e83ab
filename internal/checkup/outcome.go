package checkup

import (
	"slices"

	"github.com/closewait/closewait/internal/report"
)

// needOwners are the causes that cannot be told without knowing who holds a socket.
var needOwners = []string{"CW101", "CW102", "CW103", "CW105", "CW106", "CW107", "CW108", "CW109", "CW110", "CW111", "CW112", "CW113", "CW205", "CW401"}

// ofDiagnosis is the outcome of a check of the diagnosis that found nothing, or of what could not be read.
func ofDiagnosis(r *report.Report, code string, diagnosed bool) report.Check {
	c := report.Check{Code: code, Status: report.CheckOK}
	note := slices.IndexFunc(r.Incomplete, func(n report.Incomplete) bool { return n.Code == code })
	hidden := slices.ContainsFunc(r.Incomplete, func(n report.Incomplete) bool { return n.Code == "CW501" })
	switch {
	case note >= 0:
		c.Status, c.Reason = report.CheckFinding, r.Incomplete[note].Message
	case code == "CW503" && hidden, code == "CW504", code == "CW505": // without a note nobody has asked
		c.Status, c.Reason = report.CheckSkipped, notAsked[code]
	case code > "CW500":
	case !diagnosed:
		c.Status, c.Reason = report.CheckSkipped, "this version has no rule for it"
	case hidden && slices.Contains(needOwners, code):
		c.Status, c.Reason = report.CheckSkipped, "none among the owners that could be seen"
	}
	return c
}

// notAsked is why there may be no note.
var notAsked = map[string]string{
	"CW503": "whether a security module hides anything shows only to whom capabilities would open all processes",
	"CW504": "whether the kernel can destroy sockets was not asked",
	"CW505": "the look was not read",
}
