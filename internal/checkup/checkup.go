package checkup

import (
	"slices"
	"strconv"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/remedies"
	"github.com/closewait/closewait/internal/report"
)

// check is one cause that lies in settings or limits.
type check struct {
	code, cause string
	// judge returns the findings. A reason says why it could not be judged, and note what is worth knowing although there is no finding.
	judge func(*look.Snapshot) (found []report.Finding, skipped, note string)
}

func checks() []check {
	return []check{
		{"CW301", "slow_giveup", slowGiveup}, {"CW302", "rfc_minimum", rfcMinimum}, {"CW310", "boot_differs", bootDiffers},
		{"CW311", "drop_in_overridden", overridden}, {"CW312", "netns_differs", netnsDiffers},
		{"CW402", "ports", ports}, {"CW403", "tcp_memory", memory}, {"CW404", "accept_overflow", overflow},
	}
}

// Run adds what it finds to the report of a diagnosed look, each finding at the end of its severity, and fills in the checks. diagnosed are the codes that the diagnosis
// knows. The snapshot may be nil: then nothing but the diagnosis is known.
func Run(s *look.Snapshot, r *report.Report, diagnosed []string) {
	outcome := map[string]report.Check{}
	for _, c := range checks() {
		state := report.Check{Code: c.code, Status: report.CheckSkipped, Reason: "the settings of the host were not read"}
		if s != nil {
			found, skipped, note := c.judge(s)
			state = report.Check{Code: c.code, Status: report.CheckOK, Reason: note}
			if skipped != "" {
				state.Status, state.Reason = report.CheckSkipped, skipped
			}
			for i := range found {
				add(s, r, c, &found[i])
			}
		}
		outcome[c.code] = state
	}
	if s != nil && !hasHistory(s) {
		r.Incomplete = append(r.Incomplete, report.Incomplete{
			Code: "CW505", Message: "ages and growth are estimates of one look", Remedy: "closewait record a.cw, later closewait record b.cw, then --from a.cw --from b.cw",
		})
	}
	r.Checks = r.Checks[:0]
	for _, code := range report.Codes() {
		state, judged := outcome[code]
		if !judged {
			state = ofDiagnosis(r, code, slices.Contains(diagnosed, code))
		}
		if slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.Code == code }) {
			state.Status, state.Reason = report.CheckFinding, ""
		}
		r.Checks = append(r.Checks, state)
	}
}

// hasHistory reports whether earlier looks have told ages and growth.
func hasHistory(s *look.Snapshot) bool {
	return s.Growths != nil || slices.ContainsFunc(s.Namespaces, func(n look.Namespace) bool { return n.Ages != nil })
}

var rank = map[string]int{report.SeverityCritical: 0, report.SeverityWarning: 1, report.SeverityInfo: 2}

// add completes a finding and puts it behind those of its severity, so that all others keep their order: a cause stands before what it explains.
func add(s *look.Snapshot, r *report.Report, c check, f *report.Finding) {
	f.ID, f.Code, f.Cause = "f"+strconv.Itoa(len(r.Findings)+1), c.code, c.cause
	remedies.Advise(f, s.Processes)
	at := len(r.Findings)
	for at > 0 && rank[r.Findings[at-1].Severity] > rank[f.Severity] {
		at--
	}
	r.Findings = slices.Insert(r.Findings, at, *f)
}

// about is a finding about settings rather than somebody's sockets.
func about(severity string, evidence []string) report.Finding {
	return report.Finding{
		Severity: severity, Evidence: evidence, Ends: report.Ends{Kind: "unknown", Reason: "this is about a setting, not about sockets"}, Age: report.GroupAge{Kind: "unknown"},
		Processes: []report.Process{}, Peers: []report.Peer{}, Culprits: []report.Culprit{}, Sockets: []string{},
	}
}

// single makes a finding of some evidence, none without.
func single(severity string, evidence []string) []report.Finding {
	if len(evidence) == 0 {
		return nil
	}
	return []report.Finding{about(severity, evidence)}
}
