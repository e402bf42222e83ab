package diagnose

import (
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// kernelOwned is sockets that a part of the kernel has opened.
//
// Needs: the holders of all processes, what travels over unix sockets and what is registered with io_uring. Claims: nobody can have the socket, and root made it. Refuted by
// descriptors in transit anywhere, among which it may be.
var kernelOwned = rule{
	code: "CW113", cause: "kernel_owned",
	claims: func(sc *scene, s *subject) bool {
		return s.socket.State == tcp.CloseWait && s.socket.Inode != 0 && s.known && len(s.holders) == 0 && s.age.Time >= fresh &&
			s.socket.UID == 0 && sc.now.Transit.Known && sc.now.Transit.Descriptors == 0
	},
	describe: func(_ *scene, _ *group, f *report.Finding) {
		f.Severity = report.SeverityInfo
		f.Evidence = append(f.Evidence, "no process has a descriptor of these sockets, no unix socket carries any, and none is registered with io_uring: a part of the kernel opened them")
	},
}
