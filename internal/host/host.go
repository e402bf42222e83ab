package host

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/netns"
	"github.com/closewait/closewait/internal/probe"
	"github.com/closewait/closewait/internal/procfs"
	"github.com/closewait/closewait/internal/sysctl"
	"github.com/closewait/closewait/tcp"
)

// Host is the host this process runs on, as far as its roots show it.
type Host struct {
	proc   procfs.FS
	sysctl sysctl.FS
	roots  netns.Roots
	now    func() time.Time
	self   int // pid of this process
}

// New returns the live host. now is the clock, time.Now as a rule.
func New(now func() time.Time) *Host {
	return &Host{proc: procfs.New("/proc"), sysctl: sysctl.New("/proc/sys"), roots: netns.DefaultRoots(), now: now, self: os.Getpid()}
}

// Request says what to look at. The zero value asks for all sockets of all namespaces and nothing more.
type Request struct {
	// Netns selects namespaces in the words of netns.Select; nil means all.
	Netns []string
	// States and Condition restrict the dump in the kernel. With Dead they must not, as a socket left out would look dead.
	States tcp.StateSet
	// Nothing says that no socket is wanted: namespaces are listed and not dumped.
	Nothing bool
	// Condition is called inside each namespace, because interfaces have their numbers per namespace; nil means no condition.
	Condition func() (tcp.Condition, error)
	// OnlyConnected says that a namespace with nothing but listeners need not be dumped further: half-open connections, which no counter shows, are then
	// left out there.
	OnlyConnected bool
	// Each, when set, is handed every socket as it is read, and none is kept: the way for a million of them. What it is handed is overwritten by the next.
	// It excludes Dead and Undecided. With Holders sockets are kept all the same where no BPF program can find the holders of all before the tables are read;
	// then they are in the Snapshot, and Each is not called. An error it returns ends the look.
	Each func(*Passing) error
	// Plain says that Each looks at no more of a socket than probe.Sockets tells: then a BPF program reads large tables, at less than sock_diag takes.
	Plain bool
	// Holders says whose holders are wanted; nil means nobody's.
	Holders func(*tcp.Socket) bool
	// Options asks sockets for what decides about their ends, see look.Telling: those that Holders wants, all when it is nil. Without a BPF program only those whose holders are known can be asked.
	Options bool
	// NoBPF asks /proc even where a BPF program would give the same answer sooner.
	NoBPF bool
	// Dead asks for descriptors whose sockets are in no table.
	Dead bool
	// Undecided says which sockets to look at a second time, by what is known of their holders by then; nil means none.
	Undecided func(*look.Snapshot, *tcp.Socket) bool
	// Inquire is asked, once the holders are known and after each answer again, what else is wanted of them; nil means nothing.
	Inquire func(*look.Snapshot) look.Wish
	// Settings asks for what the next boot makes of the settings, for TCP's use of the host's limits, and for those of namespaces without sockets, too.
	Settings bool
	// Messages asks for the kernel's own messages beside the sockets decoded from them. It excludes OnlyConnected.
	Messages bool
}

// Look looks at the host. The second slice is the second look at the undecided sockets, nil if there was none.
//
// Errors: what netns.Select says of unknown namespaces, and what inetdiag.Open and Dump say of the caller's own namespace. When ctx ends, what was found until
// then is returned with an entry in Missing.
func (h *Host) Look(ctx context.Context, r Request) (*look.Snapshot, []tcp.Socket, error) {
	return h.newVisit(r).look(ctx)
}

func (v *visit) look(ctx context.Context) (*look.Snapshot, []tcp.Socket, error) {
	defer v.close()
	r, h := v.request, v.host
	identity, err := h.proc.Host()
	if err != nil {
		v.missing("CW502", "the host's name and boot id could not be read: "+err.Error(), "")
	}
	v.snapshot.Host = identity
	if r.Each != nil && r.Holders != nil && !v.holdersFirst(ctx) {
		v.request.Each = nil
	}
	if err := v.namespaces(ctx); err != nil {
		return nil, nil, err
	}
	if v.request.Each != nil {
		err := v.late(ctx)
		v.snapshot.Elapsed = v.host.now().Sub(v.snapshot.TakenAt)
		return v.snapshot, nil, err
	}
	v.owners(ctx)
	v.evidence(ctx)
	v.settings()
	v.resources()
	v.options(ctx)
	later := v.again(ctx)
	v.unreadable()
	v.snapshot.Elapsed = v.host.now().Sub(v.snapshot.TakenAt)
	return v.snapshot, later, nil
}

// counter is the quickest way to count jiffies that is open.
func (v *visit) counter() (count procfs.Counter, done func()) {
	if !v.request.NoBPF && v.host.proc.Native() {
		if c, err := probe.OpenClock(); err == nil {
			return c.Read, func() { _ = c.Close() }
		}
	}
	return v.host.proc.CountJiffies, func() {}
}

// clock reads the kernel's timer clock when the first socket with a timer is seen that may end it. Without the right to do so only the length of its ticks is known, and forecasts are less exact,
// which they say themselves.
func (v *visit) clock(s *tcp.Socket) {
	if v.clocked || s.Timer.Kind == tcp.TimerNone {
		return
	}
	v.clocked = true
	count, done := v.counter()
	defer done()
	hz, jiffies, began, _ := procfs.Clock(v.host.now, count) // the count is 0 where it could not be read at one moment, or may not be
	v.snapshot.Clock = look.Clock{HZ: hz, Jiffies: jiffies, At: began}
}

// clockFor is clock for sockets of a table that may not be the only one that is being read. It returns what is known of the clock.
func (v *visit) clockFor(sockets []tcp.Socket) look.Clock {
	v.shared.Lock()
	defer v.shared.Unlock()
	for i := range sockets {
		v.clock(&sockets[i])
	}
	return v.snapshot.Clock
}

// visit is one look in the making.
type visit struct {
	host     *Host
	request  Request
	snapshot *look.Snapshot
	// tables are the connections to namespaces that have undecided sockets, by index into snapshot.Namespaces.
	tables map[int]*inetdiag.Conn
	// inUse sums the sockets in the tables of all namespaces, as sockstat counts them; allocated is what the host has in all.
	inUse, allocated procfs.Count
	clocked          bool // whether clock has been asked
	// sought is when holders were looked for first, as procfs.FS.Ticks counts, 0 while that is still to come.
	sought uint64
	// together says that tables are read at the same time however small they are.
	together bool
	// unseen counts namespaces that exist, or may exist, and were not read.
	unseen int
	// known are the holders of sockets that nobody wanted to know at first, when all descriptors were walked.
	known look.Holders
	// passing is what was seen on the way to the holders.
	passing descriptors
	// threads counts those read, seen is when the threads of a process were, unsettled are the processes that want a second look, patience is how long after the first, observed when that ended.
	threads atomic.Int64
	seen    map[int]time.Time
	// shared guards what is noted of tables and processes that are looked at abreast: the clock, seen, passing, unread.
	shared sync.Mutex
	// unread are the processes of which something was not told that they do, unreadFirst is why of the first.
	unread      map[int]bool
	unreadFirst error
	common      *procfs.Common
	unsettled   []int
	patience    time.Duration
	observed    time.Time
	// spaces are the namespaces that were read, by inode.
	spaces map[uint64]netns.Namespace
	// stream is what is needed where sockets are handed on as they are read.
	stream stream
}

func (h *Host) newVisit(r Request) *visit {
	steady := *h
	steady.now = steadied(h.now)
	return &visit{host: &steady, request: r, snapshot: &look.Snapshot{TakenAt: steady.now()}, common: procfs.NewCommon(), tables: map[int]*inetdiag.Conn{}, spaces: map[uint64]netns.Namespace{}, unread: map[int]bool{}, seen: map[int]time.Time{}, passing: newDescriptors(0)}
}

func (v *visit) missing(code, message, remedy string) {
	v.snapshot.Missing = append(v.snapshot.Missing, look.Missing{Code: code, Message: message, Remedy: remedy})
}

func (v *visit) close() {
	for _, c := range v.tables {
		c.Close()
	}
	if v.stream.program != nil {
		_ = v.stream.program.Close()
	}
}

// steadied is a clock that shows the wall clock's time of now and goes on by the monotonic one: the moments of a look are held against each other as they are recorded, by the wall clock, which
// somebody may set meanwhile.
func steadied(now func() time.Time) func() time.Time {
	begin := now()
	return func() time.Time { return begin.Add(now().Sub(begin)) }
}
