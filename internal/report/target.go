package report

import (
	"encoding/json"
	"net/netip"
)

// Detail is what finds the target of a step again, and tells it from any other that has taken its place. Which one it is depends on the action; none is null, which is
// enough for a file.
type Detail struct {
	Socket *SocketTarget
	Sysctl *SysctlTarget
	// Other is one that this version does not know. It is kept as it is.
	Other json.RawMessage
}

// MarshalJSON implements json.Marshaler.
func (d Detail) MarshalJSON() ([]byte, error) { return d.append(nil), nil }

// UnmarshalJSON implements json.Unmarshaler. What is no target that this version knows is no error here: nothing is done with it.
func (d *Detail) UnmarshalJSON(b []byte) error {
	*d = Detail{}
	var fields map[string]json.RawMessage
	if json.Unmarshal(b, &fields) != nil || fields == nil {
		return nil
	}
	var socket SocketTarget
	var setting SysctlTarget
	switch {
	case fields["family"] != nil && json.Unmarshal(b, &socket) == nil:
		d.Socket = &socket
	case fields["path"] != nil && json.Unmarshal(b, &setting) == nil:
		d.Sysctl = &setting
	default:
		d.Other = append(d.Other, b...)
	}
	return nil
}

// SocketTarget is the target of steps on sockets.
type SocketTarget struct {
	Family    string         `json:"family"`
	Local     netip.AddrPort `json:"local"`
	Peer      netip.AddrPort `json:"peer"`
	Interface uint32         `json:"interface"`
	Cookie    string         `json:"cookie"`
	Inode     uint32         `json:"inode"`
	State     string         `json:"state"`
	// Owners are the descriptors that lead to it, as many as may be needed; empty when the step needs none.
	Owners []SocketOwner `json:"owners"`
}

// SocketOwner is a descriptor of a process, which its start time tells from a later one with the same pid.
type SocketOwner struct {
	PID        int    `json:"pid"`
	FD         int    `json:"fd"`
	Comm       string `json:"comm"`
	StartTicks uint64 `json:"start_ticks"`
}

// SysctlTarget is the target of a step that sets a sysctl: what finds its namespace again, and tells it from a later one with the same inode.
type SysctlTarget struct {
	Path string `json:"path"`
	// Cookie is the one of SO_NETNS_COOKIE, "" where the kernel has none.
	Cookie string `json:"cookie"`
}
