package report

import "strconv"

// Socket is one TCP socket.
type Socket struct {
	Netns          Netns     `json:"netns"`
	Family         string    `json:"family"`
	State          string    `json:"state"`
	Local          Endpoint  `json:"local"`
	Peer           *Endpoint `json:"peer"`
	Cookie         *string   `json:"cookie"`
	Inode          *uint32   `json:"inode"`
	UID            *uint32   `json:"uid"`
	RecvQueueBytes uint32    `json:"recv_queue_bytes"`
	SendQueueBytes uint32    `json:"send_queue_bytes"`
	Timer          Timer     `json:"timer"`
	Info           Info      `json:"info"`
	Accepted       *bool     `json:"accepted"`
	Age            Age       `json:"age"`
	Holders        []Holder  `json:"holders"`
	Workload       *Workload `json:"workload"`
	Ends           Ends      `json:"ends"`
	Cause          *string   `json:"cause"`
	Code           *string   `json:"code"`
	Host           *string   `json:"host"`
	OtherEnd       *OtherEnd `json:"other_end"`
}

// OtherEnd is the other end of a connection, where looks at both hosts were joined.
type OtherEnd struct {
	Host           string   `json:"host"`
	State          string   `json:"state"`
	Cookie         *string  `json:"cookie"`
	RecvQueueBytes uint32   `json:"recv_queue_bytes"`
	SendQueueBytes uint32   `json:"send_queue_bytes"`
	Holders        []Holder `json:"holders"`
}

// Info is the fields of struct tcp_info that the kernel reported, in the structure's order; JSON shows it as an object, or as null when it is nil.
type Info []InfoField

// InfoField is one of them: its key carries the unit, Number is the value as JSON spells it.
type InfoField struct{ Key, Number string }

// Number returns a field that is a whole number, and whether there is one.
func (i Info) Number(key string) (int, bool) {
	for _, f := range i {
		if f.Key == key {
			n, err := strconv.Atoi(f.Number)
			return n, err == nil
		}
	}
	return 0, false
}

// MarshalJSON implements json.Marshaler.
func (i Info) MarshalJSON() ([]byte, error) {
	if i == nil {
		return []byte("null"), nil
	}
	b := []byte{'{'}
	for n, f := range i {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), f.Key...), '"', ':')
		b = append(b, f.Number...)
	}
	return append(b, '}'), nil
}

// Netns names a network namespace.
type Netns struct {
	Inode uint64  `json:"inode"`
	Name  *string `json:"name"`
	PID   *int    `json:"pid"`
}

// Endpoint is one end of a connection.
type Endpoint struct {
	Address string `json:"address"`
	Port    uint16 `json:"port"`
}

// Timer is the running timer.
type Timer struct {
	Kind           string   `json:"kind"`
	ExpiresSeconds *Seconds `json:"expires_seconds"`
	Count          uint8    `json:"count"`
}

// Age is the time in the present state.
type Age struct {
	Seconds *Seconds `json:"seconds"`
	Kind    string   `json:"kind"`
}

// Holder is one descriptor that refers to the socket.
type Holder struct {
	PID  int    `json:"pid"`
	FD   *int   `json:"fd"` // null where a text did not show it
	Comm string `json:"comm"`
}

// Workload is who runs a process, in the words people use.
type Workload struct {
	Name        string  `json:"name"`
	Kind        string  `json:"kind"`
	Unit        *string `json:"unit"`
	ContainerID *string `json:"container_id"`
	Pod         *string `json:"pod"`
	Cgroup      *string `json:"cgroup"`
}

// Ends is when and how the kernel ends the socket.
type Ends struct {
	Kind            string   `json:"kind"`
	Seconds         *Seconds `json:"seconds"`
	EarliestSeconds *Seconds `json:"earliest_seconds"`
	LatestSeconds   *Seconds `json:"latest_seconds"`
	AlsoSeconds     *Seconds `json:"also_seconds"`
	By              *string  `json:"by"`
	Error           *string  `json:"error"`
	Limit           *Limit   `json:"limit"`
	Reason          string   `json:"reason"`
}

// Limit is the setting that decides.
type Limit struct {
	Name    string  `json:"name"`
	Value   int64   `json:"value"`
	Seconds Seconds `json:"seconds"`
}
