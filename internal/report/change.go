package report

import (
	"strconv"
	"time"
)

// The actions of steps.
const (
	ActionSysctl      = "sysctl"
	ActionFile        = "file"
	ActionUserTimeout = "user_timeout"
	ActionRTOMax      = "rto_max"
	ActionKeepalive   = "keepalive"
	ActionShutdown    = "shutdown"
	ActionDestroy     = "destroy"
)

// The named risks: what has to be accepted by name before a change that bears them is made.
const (
	RiskBelowRFCMinimum = "below-rfc-minimum"
	RiskNotUndoable     = "not-undoable"
	RiskHidesLeak       = "hides-leak"
	RiskAcceptQueue     = "accept-queue"
	RiskLiveConnections = "live-connections"
	RiskDataLoss        = "data-loss"
	RiskKernelOwned     = "kernel-owned"
	RiskOwnConnection   = "own-connection"
	RiskListeners       = "listeners"
	RiskOrphanBug       = "orphan-bug"
)

// Risks lists the named risks in the order of the contract.
func Risks() []string {
	return []string{
		RiskBelowRFCMinimum, RiskNotUndoable, RiskHidesLeak, RiskAcceptQueue, RiskLiveConnections, RiskDataLoss, RiskKernelOwned,
		RiskOwnConnection, RiskListeners, RiskOrphanBug,
	}
}

// What became of a step.
const (
	StatusDone    = "done"    // made by this change and read back
	StatusAlready = "already" // it was so before
	StatusGone    = "gone"    // the target had ended
	StatusRefused = "refused" // by the kernel, or because the target is not what it was when the change was planned
	StatusFailed  = "failed"  // tried, and not so when read back
)

// Change is a change that was planned and not made: the document of acting verbs with -n, and of the files that --save writes.
type Change struct {
	Header
	ChangeHead
	Steps []Step `json:"steps"`
	// Groups says for people what the steps do together, in the order of the steps.
	Groups []Group `json:"groups"`
	// Hash is that of the document without it, null where nobody needs it.
	Hash *string `json:"hash"`
}

// ChangeHead is what a change and its result have in common.
type ChangeHead struct {
	ID        string     `json:"id"`
	Action    string     `json:"action"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"`
	BootID    *string    `json:"boot_id"`
	Risks     []string   `json:"risks"`
	Refused   []Refusal  `json:"refused"`
	// Together says that a step that fails takes the others back.
	Together bool `json:"together"`
}

// Refusal is a reason why the change is not made, and the flags that would overrule it, "" when none do.
type Refusal struct {
	Why        string `json:"why"`
	AcceptWith string `json:"accept_with"`
}

// Step is one thing that is changed.
type Step struct {
	Action string `json:"action"`
	Target string `json:"target"`
	Netns  *Netns `json:"netns"`
	// Before and After are the values of the target; null means that there is nothing there.
	Before   Value `json:"before"`
	After    Value `json:"after"`
	Undoable bool  `json:"undoable"`
	// SurvivesReboot is true of files. Sockets and running values end with the kernel.
	SurvivesReboot bool  `json:"survives_reboot"`
	Frees          Frees `json:"frees"`
	// Detail is what carries the step out needs to know its target again.
	Detail Detail `json:"detail"`
}

// Frees counts what a step gives back.
type Frees struct {
	Sockets           int `json:"sockets"`
	FDs               int `json:"fds"`
	AcceptQueuePlaces int `json:"accept_queue_places"`
}

// Group is what some steps do together, for people.
type Group struct {
	Sign     string `json:"sign"` // "~" for a value, "+" for something new, "-" for an end
	Title    string `json:"title"`
	Steps    int    `json:"steps"`
	Undoable bool   `json:"undoable"`
	Lines    []Line `json:"lines"`
}

// Line is a labelled sentence: "effect", "touches", "frees", "not", "app", "peer", "risk", "better".
type Line struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

// Result is what became of a change: the document of acting verbs.
type Result struct {
	Header
	ChangeHead
	Steps []StepResult `json:"steps"`
	// Undo is the command that takes the change back, null when nothing of it can be.
	Undo *string `json:"undo"`
	// ConfirmBy is the moment at which the change takes itself back unless it is confirmed.
	ConfirmBy *time.Time `json:"confirm_by"`
}

// StepResult is a step and what became of it. Status is null while the step has not been made.
type StepResult struct {
	Step
	Verified bool    `json:"verified"`
	Error    *string `json:"error"`
	Status   *string `json:"status"`
}

// The states of a journal's entry.
const (
	JournalOpen       = "open"        // begun; if its writer is gone, interrupted
	JournalDone       = "done"        // all steps were tried
	JournalRolledBack = "rolled_back" // a step failed and the others were taken back
	JournalUndone     = "undone"      // taken back later
	JournalSettled    = "settled"     // interrupted, and confirmed as it is or completed by another change
)

// Journal is the entry of one change: the file changes/ID.json.
type Journal struct {
	Header
	ChangeHead
	State       string     `json:"state"`
	Who         Who        `json:"who"`
	StartedAt   time.Time  `json:"started_at"`
	FinishedAt  *time.Time `json:"finished_at"`
	ConfirmBy   *time.Time `json:"confirm_by"`
	ConfirmedAt *time.Time `json:"confirmed_at"`
	// Rollback says what takes the change back when nobody confirms it, null when nothing does.
	Rollback *string      `json:"rollback"`
	Undoes   *string      `json:"undoes"`
	UndoneBy *string      `json:"undone_by"`
	Steps    []StepResult `json:"steps"` // the last field: the journal reads what stands before it alone
}

// Who is who made a change.
type Who struct {
	UID      int      `json:"uid"`
	SudoUser *string  `json:"sudo_user"`
	LoginUID *int     `json:"login_uid"`
	PID      int      `json:"pid"`
	Command  []string `json:"command"`
}

// ChangeList is the document of "closewait changes".
type ChangeList struct {
	Header
	Changes []ChangeEntry `json:"changes"`
}

// ChangeEntry is a line of the list of changes. Steps are counted by their status; "pending" counts those without one.
type ChangeEntry struct {
	ID          string         `json:"id"`
	Action      string         `json:"action"`
	State       string         `json:"state"`
	Who         Who            `json:"who"`
	StartedAt   time.Time      `json:"started_at"`
	FinishedAt  *time.Time     `json:"finished_at"`
	ConfirmBy   *time.Time     `json:"confirm_by"`
	ConfirmedAt *time.Time     `json:"confirmed_at"`
	Undoes      *string        `json:"undoes"`
	UndoneBy    *string        `json:"undone_by"`
	Undo        *string        `json:"undo"`
	Steps       map[string]int `json:"steps"`
	Summary     string         `json:"summary"`
}

// Show is a value of the step for people: a file by its size, as nobody wants to read one in a sentence, and the options of sockets by name and unit, as a change sets several of one.
func (s *Step) Show(v Value) string {
	switch text := v.String(); {
	case s.Action == ActionFile && v == "":
		return "no file"
	case s.Action == ActionFile:
		return "a file of " + strconv.Itoa(len(text)) + " bytes"
	case s.Action == ActionUserTimeout && v == "0":
		return ActionUserTimeout + " off"
	case s.Action == ActionUserTimeout && v != "", s.Action == ActionRTOMax && v != "":
		return s.Action + " " + text + " s"
	case s.Action == ActionKeepalive:
		return ActionKeepalive + " " + text
	default:
		return text
	}
}
