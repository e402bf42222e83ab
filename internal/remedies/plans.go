package remedies

import "github.com/closewait/closewait/internal/report"

// plans has a row for every cause that can be a finding.
var plans = map[string]plan{
	"CW101": {help: helpLeak, not: notForLeaks},
	"CW102": {help: helpNotReading, not: notForLeaks},
	"CW103": {help: helpPool, not: notForPools},
	"CW104": {help: helpQueue, not: notForQueues},
	"CW105": {help: helpBlocked, not: notForBlocked},
	"CW106": {help: helpLoop, not: notForBlocked},
	"CW107": {help: helpHandler, not: notForHandlers},
	"CW108": {help: helpRelay, not: notForRelays},
	"CW109": {help: helpInherited, not: notForInherited},
	"CW110": {help: (*Case).restart, not: notForDead},
	"CW111": {help: helpStopped, not: notForStopped},
	"CW112": {help: helpTransit, not: notForTransit},
	"CW113": {help: helpKernel, not: notForKernel},
	"CW114": {help: helpProbes, not: notForProbes},
	"CW201": {help: helpVanished, not: notForVanished},
	"CW202": {help: helpNotRead, not: notForNotRead},
	"CW203": {help: helpDropped, not: notForDropped},
	"CW204": {help: helpClosing, not: notForClosing},
	"CW205": {help: helpHalfClosed, not: notForHalfClosed},
	"CW301": {help: helpSlow, not: notForSlow},
	"CW302": {help: helpHasty, not: notForHasty},
	"CW310": {help: helpBoot},
	"CW311": {help: helpOverridden},
	"CW312": {help: helpNamespaces},
	"CW401": {help: helpLimit, not: notForLimits},
	"CW402": {help: helpPorts, not: notForPorts},
	"CW403": {help: helpMemory, not: notForMemory},
	"CW404": {help: helpOverflow, not: notForOverflow},
}

// wait is a remedy for what mends itself.
func wait(effect string) report.Remedy {
	return report.Remedy{Command: "wait", Effect: effect, Undoable: true, Risk: "none"}
}

// read is a remedy that only shows where the fault is.
func read(command, effect string) report.Remedy {
	return report.Remedy{Command: command, Effect: effect, Undoable: true, Risk: "none"}
}

func nots(pairs ...string) []report.NotRemedy {
	var list []report.NotRemedy
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, report.NotRemedy{What: pairs[i], Why: pairs[i+1]})
	}
	return list
}
