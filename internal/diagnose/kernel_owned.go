package diagnose

import (
	"github.com/closewait/closewait/internal/report"
)

// kernelOwned is sockets that a part of the kernel has opened.
//
// Needs: the holders of all processes, what waits in unix sockets, what rings have. Claims: nobody has the socket, and root made it. Refuted by descriptors in
// transit anywhere, among which it may be, and by a ring that has it.
var kernelOwned = rule{
	code: "CW113", cause: "kernel_owned",
	claims: func(sc *scene, s *subject) bool {
		return unheld(s) && s.known() && s.socket.UID == 0 && sc.now.Transit.Complete && len(sc.now.Transit.Waiting) == 0 && sc.ringOf(s.socket) == nil
	},
	describe: func(_ *scene, _ *group, f *report.Finding) {
		f.Severity = report.SeverityInfo
		f.Evidence = append(f.Evidence, "no process has a descriptor of these sockets, no unix socket carries any, and no io_uring has them: a part of the kernel opened them")
	},
}
