package report

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strconv"
)

// Append appends the JSON of a step, which encoding/json reads back: a change can have a hundred thousand of them, and they are on disk before the first is made.
// encoding/json would take ten times as long. The types stay the definition; a test holds the two against each other.
func (s *Step) Append(b []byte) []byte {
	b = AppendText(append(b, `{"action":`...), s.Action)
	b = AppendText(append(b, `,"target":`...), s.Target)
	b = s.Netns.append(append(b, `,"netns":`...))
	b = s.Before.append(append(b, `,"before":`...))
	b = s.After.append(append(b, `,"after":`...))
	b = strconv.AppendBool(append(b, `,"undoable":`...), s.Undoable)
	b = strconv.AppendBool(append(b, `,"survives_reboot":`...), s.SurvivesReboot)
	b = strconv.AppendInt(append(b, `,"frees":{"sockets":`...), int64(s.Frees.Sockets), 10)
	b = strconv.AppendInt(append(b, `,"fds":`...), int64(s.Frees.FDs), 10)
	b = strconv.AppendInt(append(b, `,"accept_queue_places":`...), int64(s.Frees.AcceptQueuePlaces), 10)
	return append(s.Detail.append(append(b, `},"detail":`...)), '}')
}

func (v Value) append(b []byte) []byte {
	if v == "" {
		return append(b, "null"...)
	}
	return appendJSON(b, string(v))
}

// appendJSON appends what is JSON already.
func appendJSON(b []byte, text string) []byte {
	at := len(b)
	b = append(b, text...)
	return append(b[:at], Escape(b[at:])...)
}

func (n *Netns) append(b []byte) []byte {
	if n == nil {
		return append(b, "null"...)
	}
	b = strconv.AppendUint(append(b, `{"inode":`...), n.Inode, 10)
	b = append(b, `,"name":`...)
	if n.Name == nil {
		b = append(b, "null"...)
	} else {
		b = AppendText(b, *n.Name)
	}
	b = append(b, `,"pid":`...)
	if n.PID == nil {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, int64(*n.PID), 10)
	}
	return append(b, '}')
}

func (d *Detail) append(b []byte) []byte {
	switch {
	case d.Socket != nil:
		return d.Socket.append(b)
	case d.Sysctl != nil:
		b = AppendText(append(b, `{"path":`...), d.Sysctl.Path)
		return append(AppendText(append(b, `,"cookie":`...), d.Sysctl.Cookie), '}')
	case d.Other != nil:
		return appendJSON(b, string(d.Other))
	}
	return append(b, "null"...)
}

func (t *SocketTarget) append(b []byte) []byte {
	b = AppendText(append(b, `{"family":`...), t.Family)
	b = appendAddrPort(append(b, `,"local":`...), t.Local)
	b = appendAddrPort(append(b, `,"peer":`...), t.Peer)
	b = strconv.AppendUint(append(b, `,"interface":`...), uint64(t.Interface), 10)
	b = AppendText(append(b, `,"cookie":`...), t.Cookie)
	b = strconv.AppendUint(append(b, `,"inode":`...), uint64(t.Inode), 10)
	b = AppendText(append(b, `,"state":`...), t.State)
	b = append(b, `,"owners":[`...)
	for i, o := range t.Owners {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"pid":`...), int64(o.PID), 10)
		b = strconv.AppendInt(append(b, `,"fd":`...), int64(o.FD), 10)
		b = AppendText(append(b, `,"comm":`...), o.Comm)
		b = append(strconv.AppendUint(append(b, `,"start_ticks":`...), o.StartTicks, 10), '}')
	}
	return append(b, "]}"...)
}

func appendAddrPort(b []byte, a netip.AddrPort) []byte {
	if a.Addr().Zone() != "" {
		return AppendText(b, a.String())
	}
	text, _ := a.AppendText(append(b, '"')) // there is no error
	return append(text, '"')
}

// AppendText appends a JSON string, with <, > and & as they are; what needs an escape is left to encoding/json.
func AppendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			var buf bytes.Buffer
			enc := json.NewEncoder(&buf)
			enc.SetEscapeHTML(false)
			_ = enc.Encode(text) // strings always encode
			return append(b, Escape(bytes.TrimSuffix(buf.Bytes(), []byte("\n")))...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}
