package report

import "time"

// Schema is the version every document carries.
const Schema = "closewait/v1"

// Header stands at the beginning of every document.
type Header struct {
	Schema     string       `json:"schema"`
	Kind       string       `json:"kind"`
	TakenAt    time.Time    `json:"taken_at"`
	Host       Host         `json:"host"`
	Incomplete []Incomplete `json:"incomplete"`
}

// Host names the host that was looked at.
type Host struct {
	Name   string  `json:"name"`
	Kernel string  `json:"kernel"`
	BootID *string `json:"boot_id"`
}

// Incomplete is one thing that could not be read.
type Incomplete struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
}

// Error is what goes to stderr instead of a document.
type Error struct {
	Kind    string `json:"kind"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
}

// SocketList is the document of "closewait ls".
type SocketList struct {
	Header
	Sockets []Socket `json:"sockets"`
}

// Forecast is the document of "closewait when". If has the settings that were tried out by their keys.
type Forecast struct {
	Header
	If      map[string]int64 `json:"if"`
	Sockets []ForecastSocket `json:"sockets"`
}

// ForecastSocket is a socket with what its end would be after the changes, null when there were none.
type ForecastSocket struct {
	Socket
	EndsIf *Ends `json:"ends_if"`
}

// Report is the document of the one-screen answer, doctor and show.
type Report struct {
	Header
	Totals   Totals    `json:"totals"`
	Findings []Finding `json:"findings"`
	Checks   []Check   `json:"checks"`
}

// Totals counts what was looked at.
type Totals struct {
	Sockets int            `json:"sockets"`
	ByState map[string]int `json:"by_state"`
	Netns   int            `json:"netns"`
	DeadFDs *int           `json:"dead_fds"`
}

// The values of Check.Status.
const (
	CheckOK      = "ok"
	CheckFinding = "finding"
	CheckSkipped = "skipped"
)

// Check is the outcome of one check of doctor.
type Check struct {
	Code   string `json:"code"`
	Status string `json:"status"`
	Reason string `json:"reason"`
}
