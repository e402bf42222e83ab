package remedies

import (
	"strconv"

	"github.com/closewait/closewait/internal/report"
)

// The causes that lie at the other end of a chain.

// helpRelay points at the program at the far end, which holds the leg that is open. A restart of the relay is the second choice: it ends both legs, and the
// far end goes on as before.
func helpRelay(c *Case) []report.Remedy {
	var list []report.Remedy
	switch leg := c.culprit("other_leg"); {
	case c.culprit("not_closing") != nil: // the far end waits for it
	case c.CausedBy != nil:
		list = append(list, read("closewait show "+*c.CausedBy, "shows the program at the end of the chain, which does not close"))
	case leg != nil && leg.Peer != nil:
		list = append(list, read("closewait show peer "+endpoint(*leg.Peer), "shows who the open leg leads to: that end does not close"))
	case leg != nil && leg.PID != nil: // within the host
		list = append(list, read("ps -L -o pid,tid,stat,wchan:20,time,comm -p "+strconv.Itoa(*leg.PID), "shows what the program behind the unix socket is doing, which has not answered"))
	}
	return append(list, c.restart()...)
}

func notForRelays(c *Case) []report.NotRemedy {
	wrong := nots("blaming the relay", "it waits for its other leg, as it should unless it has a time limit for that")
	if c.culprit("not_closing") != nil {
		wrong = nots("blaming the other side", "it waits for more, as it has not been told that this is the end: shutdown(SHUT_WR) of the relay tells it")
	}
	return append(wrong, nots("tcp_fin_timeout", "the open leg is held by a program, and the setting concerns what nobody holds",
		"destroying one leg (ss -K)", "the relay may keep the descriptor and the other leg")...)
}

func helpProbes(c *Case) []report.Remedy {
	var list []report.Remedy
	if c.Feeds != nil {
		list = append(list, read("closewait show "+*c.Feeds, "shows why the program keeps what the probes leave behind; that is to be mended"))
	}
	from := "what connects"
	if len(c.Peers) > 0 {
		from = address(c.Peers[0].Address)
	}
	command := "ss -tno"
	if c.Local != nil {
		command += " 'sport = :" + strconv.Itoa(int(c.Local.Port)) + "'"
	}
	return append(list, read(c.within(command), "shows the connections; "+from+" should check by a whole request, or less often"))
}

func notForProbes(*Case) []report.NotRemedy {
	return nots("blocking the addresses they come from", "the health check then fails, and the host is taken out of service")
}
