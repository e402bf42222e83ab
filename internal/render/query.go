package render

import (
	"strconv"

	"github.com/closewait/closewait/internal/report"
)

// ShowCommand is the command that tells all about the owner of a finding, or about its code; "" when neither can be typed.
func ShowCommand(f *report.Finding) string { return finding{f, &page{}}.show() }

// show is the command that tells all about the owner of a finding, or about its code; "" when neither can be typed.
func (f finding) show() string {
	switch {
	case f.Workload != nil && f.Workload.Kind != "process" && shellSafe(f.Workload.Name):
		return "closewait show " + f.Workload.Name
	case len(f.Processes) > 0:
		return "closewait show pid " + strconv.Itoa(f.Processes[0].PID)
	case shellSafe(f.Code):
		return "closewait show " + f.Code
	}
	return ""
}

// query is the filter, quoted for a shell, that lists the sockets of a finding; "" when it has none. A name chosen by somebody else becomes part of a
// command only if pasting it is harmless; otherwise the process is named by its number.
func (f finding) query() string {
	if f.aboutHost() || f.Cause == "dead_fds" || f.Code == "" || !shellSafe(f.Code) {
		return ""
	}
	where := "'code " + f.Code
	switch {
	case f.Cause == "not_accepted" && f.Local != nil: // nobody holds these sockets: the listener's owner does not select them
		where += " and sport = :" + strconv.Itoa(int(f.Local.Port))
	case f.Workload != nil && f.Workload.Kind != "process" && shellSafe(f.Workload.Name):
		where += " and workload " + f.Workload.Name
	case len(f.Processes) > 0:
		where += " and pid " + strconv.Itoa(f.Processes[0].PID)
	}
	return where + "'"
}
