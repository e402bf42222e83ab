package render

import (
	"slices"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/spoken"
	"github.com/closewait/closewait/tcp"
)

// socketColumns is the one place that says which columns a list of sockets has.
var socketColumns = []Column{
	{Key: "netns", Header: "NETNS", Priority: 4, Uniform: true, TSV: appendNetns},
	{Key: "state", Header: "STATE", Priority: 0, TSV: appendState},
	{Key: "recvq", Header: "RECVQ", Priority: 4, Align: Right, TSV: appendRecvQueue, Text: textRecvQueue},
	{Key: "sendq", Header: "SENDQ", Priority: 4, Align: Right, TSV: appendSendQueue, Text: textSendQueue},
	{Key: "local", Header: "LOCAL", Priority: 1, TSV: appendLocal},
	{Key: "peer", Header: "PEER", Priority: 0, TSV: appendPeer},
	{Key: "timer", Header: "TIMER", Priority: 5, TSV: appendTimer},
	{Key: "expires", Header: "NEXT", Priority: 6, Align: Right, TSV: appendExpires, Text: textExpires},
	{Key: "count", Header: "TRY", Priority: 7, Align: Right, TSV: appendCount},
	{Key: "age", Header: "AGE", Priority: 2, Align: Right, TSV: appendAge, Text: textAge},
	{Key: "age_kind", Header: "AGE IS", Priority: 9, TSV: appendAgeKind},
	{Key: "ends", Header: "ENDS IN", Priority: 2, Align: Right, TSV: appendEnds, Text: textEnds},
	{Key: "uid", Header: "UID", Priority: 9, Align: Right, TSV: appendUID},
	{Key: "inode", Header: "INODE", Priority: 9, Align: Right, TSV: appendInode},
	{Key: "cookie", Header: "COOKIE", Priority: 9, TSV: appendCookie},
	{Key: "retransmits", Header: "RETRANS", Priority: 9, Align: Right, TSV: infoNumber(tcp.Retransmits)},
	{Key: "backoff", Header: "BACKOFF", Priority: 9, Align: Right, TSV: infoNumber(tcp.Backoff)},
	{Key: "rto", Header: "RTO", Priority: 9, Align: Right, TSV: infoSeconds(tcp.RTO), Text: infoTime(tcp.RTO)},
	{Key: "rtt", Header: "RTT", Priority: 9, Align: Right, TSV: infoSeconds(tcp.RTT), Text: infoTime(tcp.RTT)},
	{Key: "unacked", Header: "UNACKED", Priority: 9, Align: Right, TSV: infoNumber(tcp.Unacked)},
	{Key: "not_sent", Header: "NOT SENT", Priority: 9, Align: Right, TSV: infoNumber(tcp.NotSentBytes), Text: infoSize(tcp.NotSentBytes)},
	{Key: "snd_wnd", Header: "WINDOW", Priority: 9, Align: Right, TSV: infoNumber(tcp.SndWnd), Text: infoSize(tcp.SndWnd)},
	{Key: "last_data_sent", Header: "DATA SENT", Priority: 9, Align: Right, TSV: infoSeconds(tcp.LastDataSent), Text: infoTime(tcp.LastDataSent)},
	{Key: "last_data_received", Header: "DATA RECV", Priority: 9, Align: Right, TSV: infoSeconds(tcp.LastDataRecv), Text: infoTime(tcp.LastDataRecv)},
	{Key: "last_ack_received", Header: "ACK RECV", Priority: 9, Align: Right, TSV: infoSeconds(tcp.LastAckRecv), Text: infoTime(tcp.LastAckRecv)},
	{Key: "code", Header: "CODE", Priority: 3, TSV: appendCode},
	{Key: "cause", Header: "CAUSE", Priority: 7, TSV: appendCause},
	{Key: "pid", Header: "PID", Priority: 3, Align: Right, TSV: appendPIDs, Text: textPIDs},
	{Key: "fd", Header: "FD", Priority: 8, Align: Right, TSV: appendFDs},
	{Key: "comm", Header: "COMMAND", Priority: 3, TSV: appendComms, Text: textComms},
	{Key: "workload", Header: "WORKLOAD", Priority: 5, TSV: appendWorkload},
	{Key: "host", Header: "HOST", Priority: 1, Uniform: true, TSV: appendHost},
	{Key: "other_end", Header: "OTHER END", Priority: 2, Uniform: true, TSV: appendOther},
}

// appendHost and appendOther are about lists of several hosts' sockets.
func appendHost(b []byte, r *look.Row) []byte { return appendName(b, r.Host) }

func appendOther(b []byte, r *look.Row) []byte {
	if r.Other == nil {
		return append(b, unknown)
	}
	b = append(append(b, r.Other.Socket.State.String()...), ' ')
	b = AppendClean(b, r.Other.Host)
	switch {
	case len(r.Other.Processes) > 0:
		b = AppendClean(append(b, ' '), r.Other.Processes[0].Comm)
	case r.Other.Holders != nil && len(r.Other.Holders) == 0:
		b = append(b, " nobody"...)
	}
	return b
}

// forecastColumns are those of "closewait when": who it is about, what runs, when it ends and by what.
var forecastColumns = []Column{
	{Key: "netns", Header: "NETNS", Priority: 4, Uniform: true, TSV: appendNetns},
	{Key: "state", Header: "STATE", Priority: 0, TSV: appendState},
	{Key: "local", Header: "LOCAL", Priority: 1, TSV: appendLocal},
	{Key: "peer", Header: "PEER", Priority: 0, TSV: appendPeer},
	{Key: "timer", Header: "TIMER", Priority: 5, TSV: appendTimer},
	{Key: "count", Header: "TRY", Priority: 3, Align: Right, TSV: appendCount},
	{Key: "expires", Header: "NEXT", Priority: 3, Align: Right, TSV: appendExpires, Text: textExpires},
	{Key: "kind", Header: "KIND", Priority: 9, TSV: appendEndsKind},
	{Key: "ends", Header: "ENDS IN", Priority: 0, TSV: appendEnds, Text: textEnds},
	{Key: "earliest", Header: "EARLIEST", Priority: 9, Align: Right, TSV: appendEarliest},
	{Key: "latest", Header: "LATEST", Priority: 9, Align: Right, TSV: appendLatest},
	{Key: "also", Header: "OR IN", Priority: 9, Align: Right, TSV: appendAlso},
	{Key: "by", Header: "BY", Priority: 2, TSV: appendBy},
	{Key: "error", Header: "ERROR", Priority: 6, TSV: appendError},
	{Key: "ends_if", Header: "THEN", Priority: 1, TSV: appendEndsIf, Text: textEndsIf},
	{Key: "cookie", Header: "COOKIE", Priority: 9, TSV: appendCookie},
}

// ForecastColumns returns the columns of "closewait when" in their stable order. In a table the column of what would be is only there when it was asked for.
func ForecastColumns(changed, table bool) []Column {
	return slices.DeleteFunc(slices.Clone(forecastColumns), func(c Column) bool { return table && !changed && c.Key == "ends_if" })
}

// infoNumber, infoSize, infoSeconds and infoTime make cells of fields of struct tcp_info; fields that the kernel did not send are unknown.
func infoNumber(f tcp.Field) func([]byte, *look.Row) []byte {
	return func(b []byte, r *look.Row) []byte {
		n, ok := r.Info(f)
		if !ok {
			return append(b, unknown)
		}
		return appendUint(b, n)
	}
}

func infoSize(f tcp.Field) func([]byte, *look.Row) []byte {
	return func(b []byte, r *look.Row) []byte {
		n, ok := r.Info(f)
		if !ok {
			return append(b, unknown)
		}
		return spoken.AppendSize(b, n)
	}
}

func infoSeconds(f tcp.Field) func([]byte, *look.Row) []byte {
	microseconds := uint64(1)
	if f.Unit() == tcp.Milliseconds {
		microseconds = 1000
	}
	return func(b []byte, r *look.Row) []byte {
		n, ok := r.Info(f)
		if !ok {
			return append(b, unknown)
		}
		return appendMicroseconds(b, n*microseconds)
	}
}

func infoTime(f tcp.Field) func([]byte, *look.Row) []byte {
	return func(b []byte, r *look.Row) []byte {
		if _, known := r.Info(f); !known {
			return append(b, unknown)
		}
		d, _ := r.Socket.Info.Duration(f)
		return spoken.AppendDuration(b, d)
	}
}
