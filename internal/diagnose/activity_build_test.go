package diagnose

import (
	"time"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/tcp"
)

// The process of built snapshots, and the inode of the listener on port 80.
const (
	ours     = 2214
	listener = 999
)

// in is a thread that is in the same system call at both moments.
func in(tid int, kind look.CallKind, name string, fd int, inode uint32) look.Thread {
	m := look.Moment{State: 'S', Slices: 7, Call: look.Call{Kind: kind, Name: name, FD: fd, Inode: inode}}
	return look.Thread{TID: tid, Comm: "worker", First: m, Again: m}
}

func spinning(tid int) look.Thread {
	first, again := look.Moment{State: 'R', Slices: 7, Call: look.Call{FD: -1}}, look.Moment{State: 'R', Slices: 8, Call: look.Call{FD: -1}}
	return look.Thread{TID: tid, Comm: "worker", First: first, Again: again}
}

func stopping(tid int) look.Thread {
	m := look.Moment{State: 'T', Call: look.Call{FD: -1}}
	return look.Thread{TID: tid, Comm: "worker", First: m, Again: m}
}

func sleeper(tid int) look.Thread { return in(tid, look.CallSleep, "clock_nanosleep", -1, 0) }
func parked(tid int) look.Thread  { return in(tid, look.CallLock, "futex", -1, 0) }

// waking is a thread whose sleep, the same at both moments, ends soon.
func waking(tid int) look.Thread {
	t := sleeper(tid)
	t.First.Call.Left, t.Again.Call.Left = 600*time.Millisecond, 300*time.Millisecond
	return t
}

// ran is a thread that was given a processor between the two looks.
func ran(t look.Thread) look.Thread {
	t.Again.Slices++
	return t
}

// busyWith gives our process threads, and the descriptors its sockets have in the snapshot; options add to that.
func busyWith(now *look.Snapshot, threads ...look.Thread) *look.Activity {
	a := &look.Activity{Threads: threads, ThreadCount: len(threads), CallsKnown: true, Executed: true, Running: 24 * time.Hour}
	for i := range now.Namespaces[0].Sockets {
		s := &now.Namespaces[0].Sockets[i]
		for _, h := range now.Holders.Of(s.Inode) {
			if h.PID == ours {
				a.Sockets = append(a.Sockets, look.Descriptor{FD: int32(h.FD), Inode: s.Inode})
			}
		}
	}
	now.Processes[ours].Activity = a
	return a
}

// watching gives our process an epoll instance that has the sockets of these positions, armed.
func watching(a *look.Activity, fd int, sockets ...int) {
	set := look.PollSet{FD: fd}
	for _, i := range sockets {
		set.Watches = append(set.Watches, look.Watch{FD: int(a.Sockets[i].FD), Inode: uint64(a.Sockets[i].Inode), Events: look.PollIn})
	}
	a.Epolls = append(a.Epolls, set)
}

// client makes the connection of the n-th client to port 80, which sent so many bytes and left; so many of them, and the FIN, are unread.
func client(n int, idle time.Duration, sent, unread uint32, options ...made) tcp.Socket {
	options = append([]made{
		inode(uint32(1000 + n)), cookie(tcp.Cookie(1000 + n)), queues(unread, 0), info(tcp.BytesReceived, uint64(sent)+1), info(tcp.DataSegsIn, 1),
		info(tcp.LastDataRecv, uint64((idle+time.Second)/time.Millisecond)), info(tcp.DataSegsOut, 0), info(tcp.LastDataSent, uint64((idle+2*time.Second)/time.Millisecond)),
	}, options...)
	return socket(tcp.CloseWait, idle, options...)
}

// backend is a connection of ours to another host, on which nothing has passed for so long.
func backend(number uint32, still time.Duration, options ...made) tcp.Socket {
	ms := uint64(still / time.Millisecond)
	return socket(tcp.Established, still, append([]made{inode(number), cookie(tcp.Cookie(number)), between("192.0.2.1:45000", "203.0.113.5:5432"),
		info(tcp.LastDataSent, ms), info(tcp.LastDataRecv, ms+500)}, options...)...)
}

// queued is a connection that nobody has accepted.
func queued(n int) tcp.Socket { return client(n, time.Minute, 83, 84, inode(0)) }

// code is the code of the finding a socket of the snapshot belongs to, "" for none.
func code(v *Verdicts, now *look.Snapshot, index int) string {
	if f := v.Of(&now.Namespaces[0].Sockets[index]); f != nil {
		return f.Code
	}
	return ""
}
