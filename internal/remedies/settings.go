package remedies

import "github.com/closewait/closewait/internal/report"

// The causes that lie in settings.

func helpSlow(c *Case) []report.Remedy {
	return []report.Remedy{{
		Command: c.within("sysctl -w net.ipv4.tcp_retries2=8"), Effect: "gives up vanished peers after 2 min or so; running timers when they fire next", Undoable: true,
		Risk: "every connection of the namespace: paths with outages over 100 s lose theirs",
	}}
}

func notForSlow(*Case) []report.NotRemedy {
	return nots("tcp_retries2 below 8", "RFC 9293 wants 100 s at least; TCP_USER_TIMEOUT shortens it for one program",
		"tcp_keepalive_time", "keepalive waits while data is in flight",
		"lowering it against idle CLOSE_WAIT", "no timer runs on those")
}

func helpHasty(c *Case) []report.Remedy {
	return []report.Remedy{{
		Command: c.within("sysctl -w net.ipv4.tcp_retries2=8"), Effect: "keeps trying for the 100 s that the RFC asks for", Undoable: true,
		Risk: "vanished peers hold their sockets a minute or two longer",
	}}
}

func notForHasty(*Case) []report.NotRemedy {
	return nots("a low value against CLOSE_WAIT", "nothing is in flight on an idle CLOSE_WAIT socket, so the setting does not concern it")
}

func helpBoot(*Case) []report.Remedy {
	return []report.Remedy{
		read("systemd-analyze cat-config sysctl.d", "shows the files in the order in which they are read at boot; write the value that is wanted into the one that wins"),
	}
}

func helpOverridden(*Case) []report.Remedy {
	return []report.Remedy{
		read("grep -rn tcp_ /etc/sysctl.conf /etc/sysctl.d /run/sysctl.d /usr/lib/sysctl.d", "shows who sets what; the last file name in the order of the alphabet wins: keep one line"),
	}
}

func helpNamespaces(*Case) []report.Remedy {
	return []report.Remedy{
		read("ip netns exec NAME sysctl net.ipv4.tcp_retries2", "shows a namespace's own value; a container gets one from --sysctl, a pod from securityContext.sysctls"),
	}
}
