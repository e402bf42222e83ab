package lab

import (
	"slices"
	"time"

	"github.com/closewait/closewait/internal/stage"
)

// Scene is one reproduction.
type Scene struct {
	// Name is what "lab run" takes; Title says in one line what is wrong in the scene, Teaches in a few what it shows.
	Name, Title, Teaches string
	play                 func(*Play)
	// stuck says that the scene has a moment at which something can be done about its sockets: see Play.Stuck.
	stuck bool
	// takes are the flags that change something in the scene.
	takes []string
	// programs are what the other processes of the scene do, by their names.
	programs map[string]func(*Program)
}

// Settings are what a reader may vary. Zero values stand for what the scene would choose.
type Settings struct {
	Retries2    int           `json:"retries2,omitempty"`
	RTOMax      time.Duration `json:"rto_max,omitempty"`
	UserTimeout time.Duration `json:"user_timeout,omitempty"`
	Sockets     int           `json:"sockets,omitempty"`
	// Hold is how long the scene stands still when everything has been seen.
	Hold   time.Duration `json:"hold,omitempty"`
	Family stage.Family  `json:"family,omitempty"`
	// Act is what is done about the stuck sockets, one of Actions; "" lets the scene take its course.
	Act string `json:"act,omitempty"`
	// state is the directory for the journal of what is done.
	state string
}

// shown returns what was set, in the units of the sysctls and flags, for the document.
func (s Settings) shown() map[string]any {
	m := map[string]any{"family": s.Family.String()}
	if s.Retries2 > 0 {
		m["tcp_retries2"] = s.Retries2
	}
	if s.RTOMax > 0 {
		m["rto_max_seconds"] = s.RTOMax.Seconds()
	}
	if s.UserTimeout > 0 {
		m["user_timeout_seconds"] = s.UserTimeout.Seconds()
	}
	if s.Sockets > 0 {
		m["sockets"] = s.Sockets
	}
	if s.Act != "" {
		m["act"] = s.Act
	}
	return m
}

// The flags that vary a scene, by their names on the command line. Each scene takes those that change something in it.
const (
	Retries2Flag    = "retries2"
	RTOMaxFlag      = "rto-max"
	UserTimeoutFlag = "user-timeout"
	SocketsFlag     = "sockets"
)

// Flags returns the names of the flags that vary scenes.
func Flags() []string { return []string{Retries2Flag, RTOMaxFlag, UserTimeoutFlag, SocketsFlag} }

// Takes reports whether a flag changes something in the scene.
func (s *Scene) Takes(flag string) bool { return slices.Contains(s.takes, flag) }

// Stuck reports whether something can be done about the sockets of the scene.
func (s *Scene) Stuck() bool { return s.stuck }

// Scenes returns all scenes in the order of the list: what programs do wrong, what peers and paths do, what is no fault at all.
func Scenes() []Scene {
	return []Scene{
		leak, leakUnseen, leakUnread, queueDead, queueSlow,
		workersWrite, workersRead, eventLoop, handlerBusy, relay,
		inherited, inTransit, deadDescriptors, stopped,
		vanishedCloseWait, vanishedEstablished, vanishedFinWait1, vanishedLastAck, orphan,
		zeroWindow, zeroWindowVanished, localDrop, noRoute, noNeighbour,
		userTimeout, retries2, finWait2, timeWait,
		halfClose, burst, pool,
	}
}

// Find returns the scene of a name.
func Find(name string) (Scene, bool) {
	for _, s := range Scenes() {
		if s.Name == name {
			return s, true
		}
	}
	return Scene{}, false
}
