package report

// The values of LabScene.Status.
const (
	LabPassed  = "passed"
	LabFailed  = "failed"
	LabSkipped = "skipped" // this host lacks what the scene needs
)

// Lab is the document of "closewait lab run".
type Lab struct {
	Header
	Scenes  []LabScene `json:"scenes"`
	Summary LabSummary `json:"summary"`
}

// LabSummary counts what came out of all scenes together.
type LabSummary struct {
	Scenes      int               `json:"scenes"`
	Passed      int               `json:"passed"`
	Failed      int               `json:"failed"`
	Skipped     int               `json:"skipped"`
	Predictions LabPredictionsSum `json:"predictions"`
	Remedies    LabRemediesSum    `json:"remedies"`
}

// LabPredictionsSum is about ends that were foretold and waited for, those that the kernel brings by itself. Errors are without sign: how far the nearer of the likely moments was off.
type LabPredictionsSum struct {
	Count              int      `json:"count"`
	Right              int      `json:"right"` // inside the interval, and with the error foretold
	MedianErrorSeconds *Seconds `json:"median_error_seconds"`
	MaxErrorSeconds    *Seconds `json:"max_error_seconds"`
	MaxErrorScene      *string  `json:"max_error_scene"`
}

// LabRemediesSum is about actions. Right are those that did what their plan promised, ForetoldAnew those among all that had to be held against a later forecast.
type LabRemediesSum struct {
	Count        int `json:"count"`
	Right        int `json:"right"`
	ForetoldAnew int `json:"foretold_anew"`
}

// LabList is the document of "closewait lab list".
type LabList struct {
	Header
	Scenes []LabEntry `json:"scenes"`
}

// LabEntry is a scene that can be played. Stuck says whether something can be done about its sockets: "lab run NAME --act".
type LabEntry struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Teaches string `json:"teaches"`
	Stuck   bool   `json:"stuck"`
}

// LabScene is one scene that was played: what happened, what was expected of the answer, and what came.
type LabScene struct {
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Settings    map[string]any  `json:"settings"`
	Status      string          `json:"status"`
	Reason      *string         `json:"reason"`
	Seconds     Seconds         `json:"seconds"`
	Story       []LabEvent      `json:"story"`
	Verdicts    []LabVerdict    `json:"verdicts"`
	Predictions []LabPrediction `json:"predictions"`
	Remedy      *LabRemedy      `json:"remedy"`
}

// LabEvent is one line of the story. Kind is "act" (the scene did it), "segment" (seen on the wire), "verdict", "forecast", "end" or "freed".
type LabEvent struct {
	AtSeconds Seconds     `json:"at_seconds"`
	Kind      string      `json:"kind"`
	Text      string      `json:"text"`
	Segment   *LabSegment `json:"segment"`
}

// LabSegment is a TCP segment of the socket the scene watches. Repeat counts transmissions of the same bytes, 0 for the first.
type LabSegment struct {
	Sent   bool   `json:"sent"` // by the socket under watch
	Flags  string `json:"flags"`
	Bytes  int    `json:"bytes"`
	Window int    `json:"window"` // as it stands in the header, not scaled
	What   string `json:"what"`   // "data", "fin", "ack", "syn", "reset", "window_probe", "keepalive_probe"
	Repeat int    `json:"repeat"`
	Lost   bool   `json:"lost"` // the path of the scene swallows it
}

// LabVerdict is what the diagnosis had to say of a scene. Expected is the code, or "" where nothing above info may be found.
type LabVerdict struct {
	AtSeconds Seconds  `json:"at_seconds"`
	Expected  string   `json:"expected"`
	Found     []string `json:"found"`
	Right     bool     `json:"right"`
	Text      string   `json:"text"`
}

// LabPrediction is a forecast held against the clock. Times but AtSeconds count from the forecast.
type LabPrediction struct {
	AtSeconds    Seconds  `json:"at_seconds"`
	Local        Endpoint `json:"local"`
	Peer         Endpoint `json:"peer"`
	Ends         Ends     `json:"ends"`
	EndedSeconds *Seconds `json:"ended_seconds"`
	// CountedFromSeconds is when the limit in Ends began to count, as AtSeconds; null where the wire did not show it.
	CountedFromSeconds *Seconds `json:"counted_from_seconds"`
	// ErrorSeconds is how far the nearer of the likely moments was off, positive when the socket ended later.
	ErrorSeconds *Seconds `json:"error_seconds"`
	// Got is the error the application got, null when there was none to get it or none.
	Got   *string `json:"got"`
	Right bool    `json:"right"` // inside the interval, and with the error foretold
}

// LabRemedy is an action against the stuck sockets of a scene: what its plan promised, and what the kernel showed then.
type LabRemedy struct {
	// Command is what was run, without "closewait" and what a script needs besides; Filter says which sockets were meant, and State in which state they were.
	Command string `json:"command"`
	Filter  string `json:"filter"`
	State   string `json:"state"`
	Sockets int    `json:"sockets"`
	// Refused is why the plan left all of them as they are, null when it did not.
	Refused  *string `json:"refused"`
	Promised Frees   `json:"promised"`
	Freed    Frees   `json:"freed"`
	// AtSeconds is when the action began, on the clock of the story.
	AtSeconds Seconds `json:"at_seconds"`
	// Ends is the end foretold by the plan for a socket that was not ended at once, EndedSeconds when the last of those that ended did, counted from the action; null when none did.
	Ends         *Ends    `json:"ends"`
	EndedSeconds *Seconds `json:"ended_seconds"`
	// ForetoldAnew says that a timer fired between the plan and the action, and that the ends were held against a forecast made after it instead of the plan's promise.
	ForetoldAnew bool `json:"foretold_anew"`
	// ByThemselves is how many of those that ended would have at the same moment without the action.
	ByThemselves int `json:"by_themselves"`
	// Owner is the error the program got, "none" when it was told of the end without one, null where none was or it did not listen.
	Owner *string `json:"owner"`
	// Sent is what the peer was sent at the end: "reset", "fin", "nothing"; null where segments could not be seen.
	Sent  *string `json:"sent"`
	Right bool    `json:"right"`
}
