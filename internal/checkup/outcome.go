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
	case code == "CW503", code == "CW504", code == "CW505": // of these only a note would tell
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
	"CW503": "whether AppArmor or SELinux hide anything is not known",
	"CW504": "whether the kernel can destroy sockets was not asked",
	"CW505": "ages and growth are estimates of one look",
}
