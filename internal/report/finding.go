package report

import "time"

// The severities, as they are spelled in findings and in --fail-on.
const (
	SeverityCritical = "critical"
	SeverityWarning  = "warning"
	SeverityInfo     = "info"
)

// Finding is one cause with the sockets it explains.
type Finding struct {
	ID          string      `json:"id"`
	Code        string      `json:"code"`
	Cause       string      `json:"cause"`
	Severity    string      `json:"severity"`
	Count       int         `json:"count"`
	Netns       *Netns      `json:"netns"`
	Workload    *Workload   `json:"workload"`
	Processes   []Process   `json:"processes"`
	Role        *string     `json:"role"`
	Local       *Endpoint   `json:"local"`
	Peers       []Peer      `json:"peers"`
	Culprits    []Culprit   `json:"culprits"`
	Victims     Victims     `json:"victims"`
	CausedBy    *string     `json:"caused_by"`
	Feeds       *string     `json:"feeds"`
	Ends        Ends        `json:"ends"`
	Age         GroupAge    `json:"age"`
	Growth      *Growth     `json:"growth"`
	FDLimit     *FDLimit    `json:"fd_limit"`
	Evidence    []string    `json:"evidence"`
	Remedies    []Remedy    `json:"remedies"`
	NotRemedies []NotRemedy `json:"not_remedies"`
	Bug         *Bug        `json:"bug"`
	Verify      []Command   `json:"verify"`
	Sockets     []string    `json:"sockets"`
	// Host names the host where looks at several were joined, else it is null.
	Host *string `json:"host"`
	// Unanswered counts the sockets of a server on which nothing was sent since the last data was read: whether a handler is still at work for them does not show. It is null where that does not matter.
	Unanswered *int `json:"unanswered"`
	// Oversize is for who advises only, the evidence says it: large packets may be what is lost.
	Oversize bool `json:"-"`
}

// Process is a process that holds sockets.
type Process struct {
	PID       int        `json:"pid"`
	Comm      string     `json:"comm"`
	Cmdline   *string    `json:"cmdline"`
	StartTime *time.Time `json:"start_time"`
}

// Peer is a remote end with the number of sockets to it. Port is null where it differs between them.
type Peer struct {
	Address string  `json:"address"`
	Port    *uint16 `json:"port"`
	Count   int     `json:"count"`
}

// Culprit is what is to blame when it is not simply the holder.
type Culprit struct {
	PID          *int      `json:"pid"`
	TID          *int      `json:"tid"`
	Comm         *string   `json:"comm"`
	What         string    `json:"what"`
	Syscall      *string   `json:"syscall"`
	FD           *int      `json:"fd"`
	Peer         *Endpoint `json:"peer"`
	Listener     *Endpoint `json:"listener"`
	SinceSeconds *Seconds  `json:"since_seconds"`
}

// Victims counts the sockets of a finding that only suffer from it.
type Victims struct {
	Count    int       `json:"count"`
	Listener *Endpoint `json:"listener"`
}

// GroupAge is the time in the present state over the sockets of a finding.
type GroupAge struct {
	OldestSeconds *Seconds `json:"oldest_seconds"`
	MedianSeconds *Seconds `json:"median_seconds"`
	Kind          string   `json:"kind"`
}

// Growth is how fast a finding gains sockets.
type Growth struct {
	PerMinute float64 `json:"per_minute"`
	Kind      string  `json:"kind"`
}

// FDLimit is a process's use of its descriptor limit. ReachedAt is null when the use does not grow or its growth is not known.
type FDLimit struct {
	Used      int        `json:"used"`
	Limit     int        `json:"limit"`
	ReachedAt *time.Time `json:"reached_at"`
}

// Remedy is something that helps, with what it really frees.
type Remedy struct {
	Command  string `json:"command"`
	Effect   string `json:"effect"`
	FreesFDs bool   `json:"frees_fds"`
	Undoable bool   `json:"undoable"`
	Risk     string `json:"risk"`
}

// NotRemedy is popular advice that does not apply here.
type NotRemedy struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Bug is what is wrong in the program that keeps the sockets, and where to look for it. Runtime is null when nothing tells what runs the program.
type Bug struct {
	Runtime *string   `json:"runtime"`
	What    string    `json:"what"`
	Look    []Command `json:"look"`
}

// Command is something to type that changes nothing, and what it shows.
type Command struct {
	Command string `json:"command"`
	Shows   string `json:"shows"`
}
