package look

import (
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

// AgeKind says how good an age is.
type AgeKind uint8

// The qualities of an age, in the words of the JSON contract.
const (
	AgeUnknown AgeKind = iota
	AgeExact
	AgeAtLeast
	AgeAbout
)

// String returns "unknown", "exact", "at_least" or "about".
func (k AgeKind) String() string { return [...]string{"unknown", "exact", "at_least", "about"}[k] }

// Age is the time a socket has spent in its present state.
type Age struct {
	Time time.Duration
	Kind AgeKind
}

// Row is one socket with everything that was joined to it: what a line of "closewait ls" shows and a filter tests.
type Row struct {
	Socket *tcp.Socket
	Netns  *Namespace
	// Holders lists the descriptors that refer to the socket: nil when they could not be read or were not sought, empty when nobody holds it.
	Holders   []Holder
	Processes []*Process // the holders' processes, one each
	Age       Age
	Ends      forecast.Ends
	// EndsIf is what Ends would be after the changes that were asked about, nil when none were.
	EndsIf *forecast.Ends
	// Cause, Code and Severity are those of the finding the socket belongs to, "" when it belongs to none.
	Cause, Code, Severity string
}
