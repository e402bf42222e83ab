package cli

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/diagnose"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// appendSocket appends what encoding/json makes of socketJSON(r), at a tenth of the cost: a list can have a million of them. The types of package
// report stay the definition; a test holds the two against each other.
func appendSocket(b []byte, r *look.Row) []byte {
	s := r.Socket
	b = appendNetns(append(b, `"netns":`...), r.Netns)
	b = report.AppendText(append(b, `,"family":`...), s.Family.String())
	b = report.AppendText(append(b, `,"state":`...), s.State.String())
	b = appendEndpoint(append(b, `,"local":`...), s.Local)
	b = append(b, `,"peer":`...)
	if peerJSON(s) == nil {
		b = append(b, "null"...)
	} else {
		b = appendEndpoint(b, s.Peer)
	}
	b = append(b, `,"cookie":`...)
	if cookie, ok := r.Cookie(); ok {
		b = append(strconv.AppendUint(append(b, `"0x`...), uint64(cookie), 16), '"')
	} else {
		b = append(b, "null"...)
	}
	inode, inodeKnown := r.Inode()
	b = appendNumber(append(b, `,"inode":`...), inode, inodeKnown)
	uid, uidKnown := r.UID()
	b = appendNumber(append(b, `,"uid":`...), uid, uidKnown)
	b = strconv.AppendUint(append(b, `,"recv_queue_bytes":`...), uint64(s.RecvQueue), 10)
	b = strconv.AppendUint(append(b, `,"send_queue_bytes":`...), uint64(s.SendQueue), 10)
	b = appendTimer(append(b, `,"timer":`...), s.Timer)
	b = appendInfo(append(b, `,"info":`...), s)
	b = appendAccepted(append(b, `,"accepted":`...), s)
	b = appendAge(append(b, `,"age":`...), r.Age)
	b = appendHolders(append(b, `,"holders":`...), r)
	b = appendWorkload(append(b, `,"workload":`...), r.Processes)
	b = appendEnds(append(b, `,"ends":`...), &r.Ends)
	b = appendKnown(append(b, `,"cause":`...), r.Cause)
	b = appendKnown(append(b, `,"code":`...), r.Code)
	if r.Host == "" {
		return append(b, `,"host":null,"other_end":null`...)
	}
	b = report.AppendText(append(b, `,"host":`...), r.Host)
	other, _ := json.Marshal(otherEndJSON(r.Other)) // few lists are of several hosts
	return append(append(b, `,"other_end":`...), report.Escape(other)...)
}

func appendNumber(b []byte, n uint32, known bool) []byte {
	if !known {
		return append(b, "null"...)
	}
	return strconv.AppendUint(b, uint64(n), 10)
}

// appendKnown is appendText with null for a text that is not known.
func appendKnown(b []byte, text string) []byte {
	if text == "" {
		return append(b, "null"...)
	}
	return report.AppendText(b, text)
}

func appendNetns(b []byte, n *look.Namespace) []byte {
	if n == nil {
		n = &look.Namespace{}
	}
	b = strconv.AppendUint(append(b, `{"inode":`...), n.Inode, 10)
	b = appendKnown(append(b, `,"name":`...), n.Name)
	b = append(b, `,"pid":`...)
	if n.PID > 0 {
		return append(strconv.AppendInt(b, int64(n.PID), 10), '}')
	}
	return append(b, "null}"...)
}

func appendEndpoint(b []byte, e tcp.Endpoint) []byte {
	b = append(b, `{"address":`...)
	if e.IsValid() {
		b = append(e.Addr().AppendTo(append(b, '"')), '"')
	} else {
		b = report.AppendText(b, e.Addr().String())
	}
	return append(strconv.AppendUint(append(b, `,"port":`...), uint64(e.Port()), 10), '}')
}

func appendTimer(b []byte, t tcp.Timer) []byte {
	b = report.AppendText(append(b, `{"kind":`...), t.Kind.String())
	b = append(b, `,"expires_seconds":`...)
	if t.Kind == tcp.TimerNone {
		b = append(b, "null"...)
	} else {
		b = report.Seconds(t.Expires).Append(b)
	}
	return append(strconv.AppendUint(append(b, `,"count":`...), uint64(t.Count), 10), '}')
}

func appendInfo(b []byte, s *tcp.Socket) []byte {
	info := &s.Info
	if !info.Known() || s.State == tcp.Listen {
		return append(b, "null"...)
	}
	separator := byte('{')
	for f := range tcp.Fields() {
		n, ok := info.Uint(f)
		if !ok || n == math.MaxUint64 || !look.Measured(s.State, f, n) { // a pacing rate without a limit is no number
			continue
		}
		b = append(append(append(b, separator, '"'), f.Key()...), '"', ':')
		separator = ','
		if d, isTime := info.Duration(f); isTime {
			b = report.Seconds(d).Append(b)
		} else {
			b = strconv.AppendUint(b, n, 10)
		}
	}
	if separator == '{' {
		b = append(b, '{')
	}
	return append(b, '}')
}

func appendAccepted(b []byte, s *tcp.Socket) []byte {
	accepted := acceptedJSON(s)
	if accepted == nil {
		return append(b, "null"...)
	}
	return strconv.AppendBool(b, *accepted)
}

func appendAge(b []byte, a look.Age) []byte {
	b = append(b, `{"seconds":`...)
	if a.Kind == look.AgeUnknown {
		b = append(b, "null"...)
	} else {
		b = report.Seconds(a.Time).Append(b)
	}
	return append(report.AppendText(append(b, `,"kind":`...), a.Kind.String()), '}')
}

func appendHolders(b []byte, r *look.Row) []byte {
	if r.Holders == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, h := range r.Holders {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"pid":`...), int64(h.PID), 10)
		if b = append(b, `,"fd":`...); h.FD < 0 {
			b = append(b, "null"...)
		} else {
			b = strconv.AppendInt(b, int64(h.FD), 10)
		}
		b = append(report.AppendText(append(b, `,"comm":`...), commOf(r, h.PID)), '}')
	}
	return append(b, ']')
}

func appendWorkload(b []byte, processes []*look.Process) []byte {
	if len(processes) == 0 || processes[0].Workload.Name == "" {
		return append(b, "null"...)
	}
	w := &processes[0].Workload
	b = report.AppendText(append(b, `{"name":`...), w.Name)
	b = report.AppendText(append(b, `,"kind":`...), w.Kind.String())
	b = appendKnown(append(b, `,"unit":`...), w.Unit)
	b = appendKnown(append(b, `,"container_id":`...), w.ContainerID)
	b = appendKnown(append(b, `,"pod":`...), w.Pod)
	return append(appendKnown(append(b, `,"cgroup":`...), w.Cgroup), '}')
}

func appendEnds(b []byte, e *forecast.Ends) []byte {
	j := diagnose.ReportEnds(*e)
	b = report.AppendText(append(b, `{"kind":`...), j.Kind)
	b = appendSeconds(append(b, `,"seconds":`...), j.Seconds)
	b = appendSeconds(append(b, `,"earliest_seconds":`...), j.EarliestSeconds)
	b = appendSeconds(append(b, `,"latest_seconds":`...), j.LatestSeconds)
	b = appendSeconds(append(b, `,"also_seconds":`...), j.AlsoSeconds)
	b = appendKnown(append(b, `,"by":`...), e.By)
	b = appendKnown(append(b, `,"error":`...), e.Error)
	b = append(b, `,"limit":`...)
	if l := j.Limit; l == nil {
		b = append(b, "null"...)
	} else {
		b = report.AppendText(append(b, `{"name":`...), l.Name)
		b = strconv.AppendInt(append(b, `,"value":`...), l.Value, 10)
		b = append(l.Seconds.Append(append(b, `,"seconds":`...)), '}')
	}
	return append(report.AppendText(append(b, `,"reason":`...), j.Reason), '}')
}

func appendSeconds(b []byte, s *report.Seconds) []byte {
	if s == nil {
		return append(b, "null"...)
	}
	return s.Append(b)
}
