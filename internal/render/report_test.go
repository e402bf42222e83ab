package render

import (
	"fmt"
	"time"

	"github.com/closewait/closewait/internal/report"
)

var noon = time.Date(2025, 3, 14, 3, 12, 0, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

func header(notes ...report.Incomplete) report.Header {
	return report.Header{
		Schema: report.Schema, Kind: "Report", TakenAt: noon, Incomplete: notes,
		Host: report.Host{Name: "web-03", Kernel: "6.1.0", BootID: ptr("b5a1")},
	}
}

func leak() report.Finding {
	return report.Finding{
		ID: "f1", Code: "CW101", Cause: "leak", Severity: report.SeverityCritical, Count: 4812,
		Workload:  &report.Workload{Name: "payments-api", Kind: "unit", Unit: ptr("payments-api.service")},
		Processes: []report.Process{{PID: 2214, Comm: "java"}},
		Peers:     []report.Peer{{Address: "10.20.4.17", Port: ptr(uint16(8443)), Count: 4681}, {Address: "10.20.4.18", Port: ptr(uint16(8443)), Count: 100}, {Address: "10.20.4.19", Port: ptr(uint16(8443)), Count: 30}, {Address: "10.20.4.20", Count: 1}},
		Ends:      report.Ends{Kind: "never", Reason: "No kernel timer runs on these sockets: tcp_retries2, tcp_fin_timeout and tcp_keepalive_* would change nothing."},
		Age:       report.GroupAge{OldestSeconds: report.SecondsOf(129 * time.Minute), Kind: "about"},
		Growth:    &report.Growth{PerMinute: 38, Kind: "about"},
		FDLimit:   &report.FDLimit{Used: 6140, Limit: 8192, ReachedAt: ptr(noon.Add(54 * time.Minute))},
		Evidence:  []string{"the peers closed; this process has not called close()"},
		Remedies:  []report.Remedy{{Command: "systemctl restart payments-api", Effect: "gives all 4,812 fds back", FreesFDs: true}},
		NotRemedies: []report.NotRemedy{
			{What: "destroying the sockets", Why: "hides the leak and frees no fd"},
		},
	}
}

func silent() report.Finding {
	return report.Finding{
		ID: "f2", Code: "CW201", Cause: "peer_vanished", Severity: report.SeverityWarning, Count: 212,
		Workload:  &report.Workload{Name: "batch-sync", Kind: "unit", Unit: ptr("batch-sync.service")},
		Processes: []report.Process{{PID: 3310, Comm: "sync"}},
		Peers:     []report.Peer{{Address: "10.9.0.1", Port: ptr(uint16(443)), Count: 110}, {Address: "10.9.0.2", Port: ptr(uint16(443)), Count: 102}},
		Ends: report.Ends{
			Kind: "at", Seconds: report.SecondsOf(11 * time.Minute), EarliestSeconds: report.SecondsOf(9*time.Minute + 10*time.Second),
			LatestSeconds: report.SecondsOf(14 * time.Minute), Error: ptr("ETIMEDOUT"), Limit: &report.Limit{Name: "tcp_retries2", Value: 15},
		},
		Age:      report.GroupAge{OldestSeconds: report.SecondsOf(6 * time.Minute), Kind: "at_least"},
		Evidence: []string{"retransmission 7 of one FIN, no acknowledgement for 6 min"},
	}
}

func blocked() report.Finding {
	return report.Finding{
		ID: "f3", Code: "CW105", Cause: "workers_blocked", Severity: report.SeverityCritical, Count: 7,
		Workload:  &report.Workload{Name: "metrics", Kind: "unit", Unit: ptr("metrics.service")},
		Processes: []report.Process{{PID: 4711, Comm: "java"}},
		Local:     &report.Endpoint{Address: "::", Port: 9404},
		Culprits: []report.Culprit{
			{PID: ptr(4711), TID: ptr(4731), Comm: ptr("pool-1-thread-1"), What: "blocked_in_write", FD: ptr(8), Peer: &report.Endpoint{Address: "::ffff:10.1.2.3", Port: 46454}},
			{PID: ptr(4711), TID: ptr(4732), Comm: ptr("pool-1-thread-2"), What: "blocked_in_write", FD: ptr(9), Peer: &report.Endpoint{Address: "::ffff:10.1.2.3", Port: 46460}},
		},
		Victims:  report.Victims{Count: 5},
		Ends:     report.Ends{Kind: "unknown", Reason: "the peer may still answer a window probe"},
		Evidence: []string{"the other 5 wait for them with 30 bytes unread each"},
		Remedies: []report.Remedy{{Command: "closewait close --how=destroy 'pid 4711 and sendq > 0'", Effect: "ends the 2 blocked writes; the other 5 are then served and closed"}},
	}
}

func sick() *report.Report {
	return &report.Report{
		Header: header(), Findings: []report.Finding{leak(), silent()},
		Totals: report.Totals{Sockets: 18412, Netns: 15, ByState: map[string]int{"established": 12903, "close_wait": 4819, "time_wait": 402, "listen": 41, "syn_sent": 247}},
	}
}

func healthy() *report.Report {
	return &report.Report{Header: header(), Totals: report.Totals{Sockets: 9120, Netns: 15, ByState: map[string]int{"established": 9000, "close_wait": 3, "listen": 41}}}
}

func unprivileged() *report.Report {
	r := healthy()
	hidden := report.Incomplete{Code: "CW501", Message: "not permitted to see the holders of 9,100 sockets", Remedy: "sudo closewait"}
	r.Incomplete = []report.Incomplete{
		{Code: "CW505", Message: "no daemon is running: ages and growth are estimates", Remedy: "systemctl start closewaitd"}, hidden,
		{Code: "CW502", Message: "14 network namespaces could not be entered, so their sockets are not counted here", Remedy: "sudo closewait"}, hidden,
	}
	return r
}

func many() *report.Report {
	r := sick()
	r.Findings = append([]report.Finding{leak(), blocked()}, r.Findings[1:]...)
	r.Findings[1].CausedBy = nil
	for i, code := range []string{"CW104", "CW404", "CW102", "CW103", "CW204", "CW301", "CW999"} {
		severity := report.SeverityWarning
		if i > 2 {
			severity = report.SeverityInfo
		}
		r.Findings = append(r.Findings, report.Finding{
			ID: fmt.Sprint("f", i+4), Code: code, Cause: "some_cause", Severity: severity, Count: i, Ends: report.Ends{Kind: "never"},
			Processes: []report.Process{{PID: 100 + i, Comm: "nginx"}}, Local: &report.Endpoint{Address: "0.0.0.0", Port: 80}, Evidence: []string{"it was seen"},
		})
	}
	r.Findings[3].CausedBy = ptr("f1")
	r.Incomplete = unprivileged().Incomplete
	return r
}

func remarks() *report.Report {
	r := healthy()
	r.Findings = []report.Finding{many().Findings[6], many().Findings[7], many().Findings[8]}
	return r
}
