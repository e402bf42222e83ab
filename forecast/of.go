package forecast

import "github.com/closewait/closewait/tcp"

// Of says what the socket's own facts tell of its end, with no limit known: that no timer runs, so that it never comes, or when a TIME_WAIT socket is
// removed. Where a limit decides, it says which timer runs and leaves the rest unknown; [Model.Ends] knows more.
func Of(s *tcp.Socket) Ends {
	var m Model
	return m.Ends(s)
}
