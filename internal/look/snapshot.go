package look

import (
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

// Snapshot is one look at one host. Recordings keep all of it; the tag "redact" of each text says what becomes of it in a redacted one, see package redact.
type Snapshot struct {
	TakenAt    time.Time
	Elapsed    time.Duration
	Host       Host
	Namespaces []Namespace // the ones read, the host's (that of the process that looked) first
	// Holders says whose holders were looked for, and who they are. A wanted socket without one is held by nobody that could be seen.
	Holders Holders
	// HoldersComplete is true when every process that could hold one was readable.
	HoldersComplete bool
	// Processes describes the holders, and children that they may wait for, by pid.
	Processes map[int]*Process
	// Dead lists descriptors of TCP sockets that were connected once and are in no table of their namespace; nil when nobody looked.
	Dead []DeadFD
	// DeadSought is true when Dead is complete as far as Missing does not say otherwise.
	DeadSought bool
	Missing    []Missing
	// Boot is what the next boot makes of the settings, nil when nobody asked.
	Boot *Boot
	// Memory is how much of its limits TCP uses on the whole host, nil when nobody asked or it could not be read.
	Memory *Memory
	// Growths say how the number of sockets changed since an earlier look, by pid, state and port; nil without one that could tell.
	Growths []Growth
	// Unix are sockets of unix domain streams that were asked for, by inode; of those that are in no table nothing is known.
	Unix map[uint32]Unix
	// Transit is what is known of descriptors that no process has.
	Transit Transit
	// Clock is the kernel's, read at Clock.At; it is unknown where nobody needed it or it may not be read.
	Clock Clock
}

// Memory is what TCP uses of limits of the whole host. What is 0 is not known, but for Orphans and Pages, which are known with their limits.
type Memory struct {
	Orphans, MaxOrphans int64 // sockets that no program holds; tcp_max_orphans
	// Pages are in the queues of TCP; from Pressure on the kernel saves, above Limit it refuses (tcp_mem).
	Pages, Pressure, Limit int64
}

// Clock is what is known of the kernel's timer clock at one moment.
type Clock struct {
	HZ      int    // jiffies a second, 0 when not known
	Jiffies uint64 // the count of them that began at At, 0 when not known
	At      time.Time
}

// Growth is how the number of sockets that a process has in a state changed between an earlier look and this one.
type Growth struct {
	PID   int
	State tcp.State
	// Port is the local port of those that came through a listener, 0 for all the others together.
	Port      uint16
	Then, Now int
	Over      time.Duration
}

// Host is the host that was looked at.
type Host struct {
	Name   string `redact:"name"`
	Kernel string `redact:"release"` // release, as uname prints it
	BootID string `redact:"id"`      // "" when it could not be read
}

// Namespace is one network namespace and its TCP sockets.
type Namespace struct {
	Inode uint64 // of the namespace file: identifies the namespace while it lives
	Name  string `redact:"name"` // "host", the name under /run/netns, or "" when it has none
	PID   int    // a process living in it, 0 when none is known
	// Skipped is true when sockstat showed that there is nothing to dump.
	Skipped bool
	Sockets []tcp.Socket
	// Partial is true when there may be sockets that are not in Sockets: others than those asked for, or ones that came and went while the table was read.
	Partial bool
	// Pasted is true when the sockets were read from a text: what it does not show is then a number that no kernel uses, see Row.Inode, UID and Cookie.
	Pasted bool
	// Blur is, for each socket, how much longer its timer may run than is known, because it was read from a text that cuts times off; nil when nothing was
	// cut off.
	Blur []time.Duration
	// ReadAt is the moment its table began to be read, by the same clock as Snapshot.TakenAt, and ReadFor how long that took, of which the reader was kept from running
	// for ReadHeld.
	ReadAt            time.Time
	ReadFor, ReadHeld time.Duration
	// Ages are better known ages of the sockets, from earlier looks; nil without such.
	Ages []Age
	// Messages are what sock_diag said of the sockets, as inetdiag.Query.Keep has it; nil where nobody asked for them.
	Messages []byte `redact:"drop"`
	// Sysctls are the limits of the namespace by their name below net.ipv4; those that could not be read are absent.
	Sysctls map[string]int64 `redact:"keep"`
	// Ports are the first and the last local port that the kernel chooses for connections (ip_local_port_range), zeros when not known.
	Ports [2]uint16
	// Overflows counts the connections that found an accept queue full since the namespace was made (ListenOverflows); nil when not known.
	Overflows *int64
	// Resent counts the segments sent again since the namespace was made, and Unsent those of them that did not leave this host (RetransSegs, TCPRetransFail); nil when not known.
	Resent, Unsent *int64
	// Options are those of the sockets that were asked for them, by cookie.
	Options map[tcp.Cookie]Options
	// Neighbours are the next hops of sockets that wait for an answer, by cookie, as they were at ReadAt; those of which the kernel knows nothing are absent.
	Neighbours map[tcp.Cookie]Neighbour
}

const (
	// brief is a time to read a table in that need not be spread over its sockets.
	brief = 2 * time.Millisecond
	// pace is what part of that time a socket may have been read later than it should.
	pace = 16
)

// readAt returns when the socket with index i was read: no sooner than that, and by no more than the doubt later. Sockets are read at an even pace, give or take, but nobody
// knows where the reader was held up.
func (n *Namespace) readAt(i int) (at time.Time, doubt time.Duration) {
	held := min(n.ReadHeld, n.ReadFor)
	took := n.ReadFor - held
	if took <= brief || len(n.Sockets) == 0 {
		return n.ReadAt, n.ReadFor
	}
	return n.ReadAt.Add(took * time.Duration(i) / time.Duration(len(n.Sockets))), took/pace + held
}

// ReadAfter returns by how much later than TakenAt the socket with index i of a namespace was read at least, and by how much more it may have been: what the kernel says of it counts
// from then. Where no moment is known it was all one.
func (s *Snapshot) ReadAfter(n *Namespace, i int) (least, doubt time.Duration) {
	if n.ReadAt.IsZero() {
		return 0, 0
	}
	at, doubt := n.readAt(i)
	return apart(s.TakenAt, at), doubt
}

// Model returns what forecasts the ends of a namespace's sockets, as if all were read when the table began to be.
func (s *Snapshot) Model(n *Namespace) forecast.Model {
	clock := s.Clock
	if clock.HZ == 0 {
		clock = Clock{HZ: n.hz()}
	}
	m := forecast.Model{Limits: forecast.LimitsOf(n.Sysctls), Kernel: forecast.KernelOf(s.Host.Kernel), Clock: clock.read(n.ReadAt, n.ReadFor), Assumed: n.Pasted}
	if u := s.Memory; u != nil {
		m.Resources = forecast.Resources{Orphans: u.Orphans, MaxOrphans: u.MaxOrphans, Pages: u.Pages, MaxPages: u.Limit}
	}
	return m
}

// hz infers the number of jiffies a second from the sockets' times; 0 when they are too few.
func (n *Namespace) hz() int {
	var g forecast.Grain
	for i := 0; i < len(n.Sockets) && !g.Sure(); i++ {
		s := n.Sockets[i]
		if n.Pasted {
			s.Timer = tcp.Timer{} // it was cut off, or told in ticks of 10 ms
		}
		g.Add(&s)
	}
	return g.HZ()
}

// Tick is the length of a jiffy, 0 when it is not known.
func (c Clock) Tick() time.Duration {
	if c.HZ <= 0 {
		return 0
	}
	return time.Second / time.Duration(c.HZ)
}

// Within reports whether what began at a moment and took so long was over before the jiffy was. Right after a tick the kernel may still count the jiffy before.
func (c Clock) Within(at time.Time, took time.Duration) bool {
	_, into := c.passed(at)
	return into >= c.settled() && into+took < c.Tick()
}

// settled is how far into a jiffy the processor that counts them has certainly done so.
func (c Clock) settled() time.Duration { return c.Tick() / 8 }

// Rest is the time until the next jiffy has begun for certain.
func (c Clock) Rest(at time.Time) time.Duration {
	_, into := c.passed(at)
	return c.Tick() - into + c.settled()
}

// read is the clock at a moment at which the reading of something began that took so long.
func (c Clock) read(at time.Time, took time.Duration) forecast.Clock {
	if c.Jiffies == 0 || c.HZ <= 0 {
		return forecast.Clock{HZ: c.HZ, Doubt: took}
	}
	jiffies, into := c.passed(at)
	return forecast.Clock{HZ: c.HZ, Jiffies: c.Jiffies + uint64(jiffies), Known: true, Into: into, Doubt: took}
}

// passed is how many jiffies began between the clock's reading and a moment, negative when that came before, and how far into the last of them it is.
func (c Clock) passed(at time.Time) (jiffies int64, into time.Duration) {
	since, tick := apart(c.At, at), c.Tick()
	into = since % tick
	if into < 0 {
		into += tick
	}
	return int64((since - into) / tick), into
}

// apart is how much later one moment of a look is than another by the clock on the wall: a recording knows no other, and is to give the same answers.
func apart(earlier, later time.Time) time.Duration { return later.Round(0).Sub(earlier.Round(0)) }

// Count returns the number of sockets in all namespaces.
func (s *Snapshot) Count() int {
	n := 0
	for i := range s.Namespaces {
		n += len(s.Namespaces[i].Sockets)
	}
	return n
}

// Sought reports whether the socket's holders were looked for and every process was readable, so that an empty answer means nobody.
func (s *Snapshot) Sought(socket *tcp.Socket) bool {
	return s.HoldersComplete && s.Holders.Wants(socket.Inode)
}

// Process is a process that holds sockets, or a child of one.
type Process struct {
	PID     int
	Comm    string `redact:"name"`
	Cmdline string `redact:"command"`
	// Exe is the path of the program, as the process's own namespace of mounts names it; "" when it could not be read.
	Exe string `redact:"path"`
	// Go is true when the Go toolchain built the program; false also when that could not be read.
	Go        bool
	StartTime time.Time // zero when not known
	// StartTicks is the start time as the kernel counts it (field 22 of /proc/PID/stat): a reused pid differs in it.
	StartTicks uint64
	FDs        int // descriptors open, -1 when not known
	FDLimit    int // soft limit, -1 when not known or unlimited
	Workload   Workload
	// PPID is the parent, 0 when it is outside the pid namespace or not known.
	PPID int
	// Group is the number of its process group, the pid of the process that began it, who may have ended; 0 when that is outside the pid namespace or not known.
	Group int
	// State is the letter ps shows for the main thread, 0 when not known.
	State byte
	// Activity is what it is doing, nil when nobody looked.
	Activity *Activity
	// Child is true where it is known only as a child that another process may wait for.
	Child bool
}

// Traced reports whether a debugger or tracer has stopped the process (state t of proc(5)): no signal lets it run on.
func (p *Process) Traced() bool { return p.State == 't' }

// WorkloadKind says which kind of thing runs a process.
type WorkloadKind uint8

// The kinds of workloads, in the words of the JSON contract.
const (
	KindProcess WorkloadKind = iota
	KindUnit
	KindContainer
	KindPod
)

// String returns "process", "unit", "container" or "pod".
func (k WorkloadKind) String() string { return [...]string{"process", "unit", "container", "pod"}[k] }

// Workload is who runs a process, in the words of the people who run it. Fields that do not apply are "".
type Workload struct {
	Name        string `redact:"name"` // the shortest name people would use; the process's name when nothing better is known
	Kind        WorkloadKind
	Unit        string `redact:"name"` // systemd unit
	ContainerID string `redact:"id"`
	Runtime     string `redact:"keep"` // docker, containerd, cri-o, podman
	Pod         string `redact:"name"` // namespace/name, or the pod's uid when the name is not known
	Cgroup      string `redact:"path"` // path
}

// DeadFD is a descriptor whose TCP socket was connected once and has left every table: leaked and invisible.
type DeadFD struct {
	PID, FD int
	Inode   uint32
}

// Missing is one thing that could not be read: a code of the JSON contract (CW5xx) with the reason and the command that would help.
type Missing struct {
	Code    string `redact:"keep"`
	Message string `redact:"text"`
	Remedy  string `redact:"drop"`
}
