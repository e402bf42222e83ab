package cli

import (
	"cmp"
	"context"
	"io"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/redact"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// Config is everything a command gets from the world around it. System returns the real one; tests make their own.
type Config struct {
	Streams
	// Env returns the value of an environment variable, "" when it is not set.
	Env func(name string) string
	Now func() time.Time
	// Look answers what status and ls ask. Without it they say that this build cannot look.
	Look Looker
	// Capabilities says what the tool can do here, in the order to be shown.
	Capabilities func(ctx context.Context) []Capability
	// Host names this host, for documents that need no look at it.
	Host func() report.Host
	// Acting is what the acting verbs need; without it they say that this build cannot change anything.
	Acting *Acting
	// States are the directories in which the journal may be, the preferred one first.
	States func() []string
	// Root is the directory below which /etc and the like are, "" for "/".
	Root string
	// FilterHelp returns the text of "help filters"; nil stands for a text written by hand.
	FilterHelp func() string
}

func (c *Config) root() string { return cmp.Or(c.Root, "/") }

// Streams are the three standard streams, with what is known of the terminals behind them.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// InTerminal, OutTerminal and ErrTerminal say whether the streams lead to a terminal.
	InTerminal, OutTerminal, ErrTerminal bool
	// Size returns the columns and rows of the terminal at this moment, zeros when they are not known; nil stands for never known.
	Size func() (width, height int)
}

// Looker looks at the host (or at a recording of one) and judges what it finds.
//
// It returns as soon as ctx ends. An answer to a question that could not be answered in full is still an answer: what is missing, be it for want of time,
// of permission or of a kernel feature, is in Report.Incomplete, and the error is nil. An error means that there is no answer at all; an *Error says how it
// is to be shown and which exit code fits, others are given one by exitOf.
type Looker func(ctx context.Context, q Query) (*Answer, error)

// Query is what a verb wants to know.
type Query struct {
	// Netns limits the look to these namespaces, as given: "host", "all", a name, a pid or a path. Empty means all that can be read.
	Netns []string
	// Filter selects the Rows, in the language of "help filters"; "" selects all. It does not change Report.
	Filter string
	// Rows asks for Answer.Rows, Findings for Report.Findings (and the joins of a row that need them: cause, code, severity). A
	// Looker may return more than was asked for.
	Rows, Findings bool
	// Owners asks for the holders of all rows, not only of the suspects. They cost the most.
	Owners bool
	// NoBPF asks for the way without BPF programs; the answer is the same.
	NoBPF bool
	// Ends says that forecasts are what the question is about: sockets are then asked for options of their own that end them. Their holders are found for it.
	Ends bool
	// Threads asks what the holders of the rows are doing.
	Threads bool
	// Settings asks for what doctor judges besides sockets: settings, what the next boot makes of them, and limits.
	Settings bool
	// If lists changes of settings: rows then tell what would be, too.
	If []forecast.Change
	// Each, when set, may be handed the rows one by one as they are found instead of finding them in Answer.Rows: a Looker does so when the question
	// can be answered from each socket alone. The row is overwritten by the next. An error it returns ends the look and is returned.
	Each func(*look.Row) error
	// Whole asks for everything that another question could need, as a recording keeps it, and for Answer.Later.
	Whole bool
	// Redact, when set, replaces the names and addresses in the answer. Filter is about the true ones.
	Redact *redact.Redactor
}

// Answer is what a Looker found.
type Answer struct {
	// Report is never nil: its Header names the host and the time and lists what could not be read. Totals are those of the whole look.
	Report *report.Report
	// Rows are the selected sockets. Their order is of no importance: it is made here.
	Rows []look.Row
	// Snapshot is what Report was made from; nil when there is none to show.
	Snapshot *look.Snapshot
	// Later is the second look at the undecided sockets of Snapshot.
	Later []tcp.Socket
	// Redacted is true when the look was recorded with substitutes for names.
	Redacted bool
}

// Capability is one thing the tool can do, or not, on this host.
type Capability struct {
	Name   string `json:"name"`
	Status string `json:"status"` // one of the Status constants
	Detail string `json:"detail"` // what it is needed for, or why it is missing
	Remedy string `json:"remedy"` // what would make it available, "" when nothing would
}

// The values of Capability.Status.
const (
	StatusAvailable = "available"
	StatusMissing   = "missing"
	StatusUnknown   = "unknown"
)
