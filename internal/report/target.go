package report

// SocketTarget is the detail of steps on sockets: what finds a socket again, and tells it from any other that takes its addresses over.
type SocketTarget struct {
	Family    string `json:"family"`
	Local     string `json:"local"`
	Peer      string `json:"peer"`
	Interface uint32 `json:"interface"`
	Cookie    string `json:"cookie"`
	Inode     uint32 `json:"inode"`
	State     string `json:"state"`
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
