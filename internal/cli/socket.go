package cli

import (
	"math"
	"strconv"

	"github.com/closewait/closewait/internal/diagnose"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// socketJSON is a row as the contract with scripts has it.
func socketJSON(r *look.Row) report.Socket {
	s := r.Socket
	return report.Socket{
		Netns: netnsJSON(r.Netns), Family: s.Family.String(), State: s.State.String(), Local: endpointJSON(s.Local), Peer: peerJSON(s),
		Cookie: cookieJSON(r), Inode: ifKnown(r.Inode()), UID: ifKnown(r.UID()), RecvQueueBytes: s.RecvQueue, SendQueueBytes: s.SendQueue,
		Timer: timerJSON(s.Timer), Info: infoJSON(s), Accepted: acceptedJSON(s), Age: ageJSON(r.Age), Holders: holdersJSON(r),
		Workload: workloadJSON(r.Processes), Ends: diagnose.ReportEnds(r.Ends), Cause: known(r.Cause), Code: known(r.Code),
		Host: known(r.Host), OtherEnd: otherEndJSON(r.Other),
	}
}

func otherEndJSON(r *look.Row) *report.OtherEnd {
	if r == nil {
		return nil
	}
	s := r.Socket
	return &report.OtherEnd{
		Host: r.Host, State: s.State.String(), Cookie: cookieJSON(r), RecvQueueBytes: s.RecvQueue, SendQueueBytes: s.SendQueue, Holders: holdersJSON(r),
	}
}

// known returns nil for a text that is not known.
func known(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func netnsJSON(n *look.Namespace) report.Netns {
	if n == nil {
		return report.Netns{}
	}
	return diagnose.ReportNetns(n)
}

// ifKnown is null for a value that is not known.
func ifKnown[T any](value T, known bool) *T {
	if !known {
		return nil
	}
	return &value
}

func cookieJSON(r *look.Row) *string {
	cookie, ok := r.Cookie()
	return ifKnown(cookie.String(), ok)
}

func endpointJSON(e tcp.Endpoint) report.Endpoint {
	return report.Endpoint{Address: e.Addr().String(), Port: e.Port()}
}

// peerJSON is null for sockets that have no peer.
func peerJSON(s *tcp.Socket) *report.Endpoint {
	if s.State == tcp.Listen || s.State == tcp.Bound || !s.Peer.IsValid() {
		return nil
	}
	peer := endpointJSON(s.Peer)
	return &peer
}

func timerJSON(t tcp.Timer) report.Timer {
	out := report.Timer{Kind: t.Kind.String(), Count: t.Count}
	if t.Kind != tcp.TimerNone {
		out.ExpiresSeconds = report.SecondsOf(t.Expires)
	}
	return out
}

// infoJSON lists the fields the kernel sent, but for those that it has not measured, the figures it has for listeners, which are of no connection, and rates without a limit. The numbers share one string.
func infoJSON(s *tcp.Socket) report.Info {
	info := &s.Info
	if !info.Known() || s.State == tcp.Listen {
		return nil
	}
	var numbers []byte
	fields, ends := make(report.Info, 0, 64), make([]int, 0, 64)
	for f := range tcp.Fields() {
		n, ok := info.Uint(f)
		if !ok || n == math.MaxUint64 || !look.Measured(s.State, f, n) {
			continue
		}
		if d, isTime := info.Duration(f); isTime {
			numbers = report.Seconds(d).Append(numbers)
		} else {
			numbers = strconv.AppendUint(numbers, n, 10)
		}
		fields, ends = append(fields, report.InfoField{Key: f.Key()}), append(ends, len(numbers))
	}
	all, start := string(numbers), 0
	for i, end := range ends {
		fields[i].Number, start = all[start:end], end
	}
	return fields
}

// acceptedJSON says whether a program has the connection. The question makes sense for connections only.
func acceptedJSON(s *tcp.Socket) *bool {
	if s.State != tcp.Established && s.State != tcp.CloseWait {
		return nil
	}
	accepted := !s.Unaccepted()
	return &accepted
}

func ageJSON(a look.Age) report.Age {
	if a.Kind == look.AgeUnknown {
		return report.Age{Kind: a.Kind.String()}
	}
	return report.Age{Seconds: report.SecondsOf(a.Time), Kind: a.Kind.String()}
}

// holdersJSON keeps the difference between nobody and not known.
func holdersJSON(r *look.Row) []report.Holder {
	if r.Holders == nil {
		return nil
	}
	holders := make([]report.Holder, len(r.Holders))
	for i, h := range r.Holders {
		holders[i] = report.Holder{PID: h.PID, Comm: commOf(r, h.PID)}
		if h.FD >= 0 {
			holders[i].FD = &h.FD
		}
	}
	return holders
}

// commOf returns the name of one of the holding processes, "" when it is not known.
func commOf(r *look.Row, pid int) string {
	for _, p := range r.Processes {
		if p.PID == pid {
			return p.Comm
		}
	}
	return ""
}

func workloadJSON(processes []*look.Process) *report.Workload {
	if len(processes) == 0 || processes[0].Workload.Name == "" {
		return nil
	}
	return diagnose.ReportWorkload(&processes[0].Workload)
}
