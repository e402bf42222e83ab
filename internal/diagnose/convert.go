package diagnose

import (
	"strconv"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// ReportEnds turns a forecast into the contract's form.
func ReportEnds(e forecast.Ends) report.Ends {
	r := report.Ends{Kind: e.Kind.String(), Reason: e.Reason}
	if e.By != "" {
		r.By = &e.By
	}
	if e.Error != "" {
		r.Error = &e.Error
	}
	if e.Limit.Name != "" {
		r.Limit = &report.Limit{Name: e.Limit.Name, Value: e.Limit.Value, Seconds: report.Seconds(e.Limit.Time)}
	}
	if e.Kind == forecast.At {
		r.Seconds, r.LatestSeconds = report.SecondsOf(e.Best), report.SecondsOf(e.Latest)
	}
	if e.Kind == forecast.At || e.Earliest > 0 {
		r.EarliestSeconds = report.SecondsOf(e.Earliest)
	}
	if e.Also > 0 {
		r.AlsoSeconds = report.SecondsOf(e.Also)
	}
	return r
}

// ReportWorkload turns a workload into the contract's form.
func ReportWorkload(w *look.Workload) *report.Workload {
	optional := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return &report.Workload{
		Name: w.Name, Kind: w.Kind.String(), Unit: optional(w.Unit), ContainerID: optional(w.ContainerID),
		Pod: optional(w.Pod), Cgroup: optional(w.Cgroup),
	}
}

// ReportNetns turns a namespace into the contract's form.
func ReportNetns(n *look.Namespace) report.Netns {
	r := report.Netns{Inode: n.Inode}
	if n.Name != "" {
		r.Name = &n.Name
	}
	if n.PID > 0 {
		r.PID = &n.PID
	}
	return r
}

func endpoint(e tcp.Endpoint) report.Endpoint {
	return report.Endpoint{Address: e.Addr().String(), Port: e.Port()}
}

// text is an address for people: IPv4-mapped ones as the IPv4 addresses they stand for.
func text(e tcp.Endpoint) string { return e.Unmap().String() }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
