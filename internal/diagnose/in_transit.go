package diagnose

import (
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/tcp"
)

// inTransit is sockets with an inode that no process holds.
//
// Needs: the holders of all processes. Claims: none was found. Refuted by a holder; where some process could not be read, nothing is claimed.
var inTransit = rule{
	code: "CW112", cause: "in_transit",
	claims: func(_ *scene, s *subject) bool {
		return s.socket.State == tcp.CloseWait && s.socket.Inode != 0 && s.known && len(s.holders) == 0 && s.age.Time >= fresh
	},
	describe: func(_ *scene, _ *group, f *report.Finding) {
		f.Severity = report.SeverityInfo
		f.Evidence = append(f.Evidence,
			"no process has a descriptor of these sockets: they travel over a unix socket, are registered with io_uring, or belong to the kernel")
	},
}
