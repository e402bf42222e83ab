package render

import (
	"strconv"

	"github.com/closewait/closewait/internal/look"
)

// The cells about holders: "-" when holders were not sought or could not be read, "none" when nobody holds the socket.

func appendPIDs(b []byte, r *look.Row) []byte {
	return appendHolders(b, r, func(h look.Holder) int { return h.PID })
}

func appendFDs(b []byte, r *look.Row) []byte {
	return appendHolders(b, r, func(h look.Holder) int { return h.FD })
}

func appendHolders(b []byte, r *look.Row, number func(look.Holder) int) []byte {
	if r.Holders == nil {
		return append(b, unknown)
	}
	if len(r.Holders) == 0 {
		return append(b, "none"...)
	}
	for i, h := range r.Holders {
		if i > 0 {
			b = append(b, ',')
		}
		if n := number(h); n < 0 { // netstat does not show descriptors
			b = append(b, unknown)
		} else {
			b = strconv.AppendInt(b, int64(n), 10)
		}
	}
	return b
}

// textPIDs writes the first process and the number of the others.
func textPIDs(b []byte, r *look.Row) []byte {
	if len(r.Holders) == 0 {
		return appendPIDs(b, r)
	}
	b = strconv.AppendInt(b, int64(r.Holders[0].PID), 10)
	return appendOthers(b, r)
}

func appendComms(b []byte, r *look.Row) []byte {
	if len(r.Processes) == 0 {
		return append(b, unknown)
	}
	for i, p := range r.Processes {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendName(b, p.Comm)
	}
	return b
}

func textComms(b []byte, r *look.Row) []byte {
	if len(r.Processes) == 0 {
		return append(b, unknown)
	}
	return appendName(b, r.Processes[0].Comm)
}

// appendOthers counts the holding processes beside the first.
func appendOthers(b []byte, r *look.Row) []byte {
	if n := len(r.Processes) - 1; n > 0 {
		b = strconv.AppendInt(append(b, '+'), int64(n), 10)
	}
	return b
}

func appendWorkload(b []byte, r *look.Row) []byte {
	if len(r.Processes) == 0 {
		return append(b, unknown)
	}
	return appendName(b, r.Processes[0].Workload.Name)
}
