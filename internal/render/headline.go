package render

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
)

// headlines makes the title of a finding from what the finding knows, by its code.
var headlines = map[string]func(finding) string{
	"CW101": func(f finding) string {
		what := " leaks sockets: "
		if n := f.Unanswered; n != nil && 2**n > f.Count { // a handler may still be at work
			what = " neither answers nor closes: "
		}
		return f.subject() + what + f.counted("CLOSE_WAIT") + f.growth()
	},
	"CW102": func(f finding) string { return f.subject() + " does not look at " + f.sockets("closed connection") },
	"CW103": func(f finding) string {
		return f.subject() + " keeps " + f.sockets("pooled connection") + " closed by the server"
	},
	"CW104": func(f finding) string {
		if len(f.Processes) == 0 { // nor is it known what keeps them
			return f.sockets("connection") + f.verb(" waits", " wait") + " to be accepted" + f.at(" on ")
		}
		return f.subject() + " does not accept: " + f.sockets("connection") + " in the queue" + f.at(" of ")
	},
	"CW105": func(f finding) string {
		which := " has all workers blocked: "
		if f.Severity == report.SeverityWarning { // others have time
			which = " has workers blocked: "
		}
		return f.subject() + which + f.sockets("socket") + " stuck" + f.at(" on ")
	},
	"CW106": func(f finding) string {
		return f.subject() + " has its event loop blocked: " + f.sockets("socket") + " stuck"
	},
	"CW107": func(f finding) string { return f.subject() + " still works for " + f.sockets("client") + " that left" },
	"CW108": func(f finding) string {
		return f.subject() + " relays " + f.sockets("connection") + " with one leg closed"
	},
	"CW109": func(f finding) string {
		return f.subject() + " holds " + f.sockets("connection") + " opened by another process"
	},
	"CW110": func(f finding) string {
		return f.subject() + " leaks descriptors: " + f.sockets("dead socket") + f.growth()
	},
	"CW111": func(f finding) string {
		if f.Count == 0 { // it holds none itself
			return f.subject() + " " + f.stopped() + ": others wait for it"
		}
		return f.subject() + " " + f.stopped() + ": " + f.sockets("socket") + " stuck"
	},
	"CW112": func(f finding) string { return f.sockets("socket") + " with no holder that can be seen" },
	"CW113": func(f finding) string { return f.sockets("socket") + " of the kernel's own" },
	"CW114": func(f finding) string {
		return "connections without data keep coming" + f.toward(" from ") + f.feeding()
	},
	"CW201": func(f finding) string {
		return f.subject() + ": " + f.sockets("connection") + f.toward(" to ") + f.verb(" gets", " get") + " no answer"
	},
	"CW202": func(f finding) string {
		return f.subject() + ": " + f.sockets("connection") + f.toward(" to ") + " not being read by the peer"
	},
	"CW203": func(f finding) string {
		return f.subject() + ": packets" + f.toward(" to ") + " do not leave this host"
	},
	"CW204": func(f finding) string {
		return f.sockets("closing connection") + f.toward(" to ") + f.verb(" gets", " get") + " no answer"
	},
	"CW205": func(f finding) string {
		return f.subject() + " keeps " + f.counted("FIN_WAIT_2") + " open" + f.toward(" to ")
	},
	"CW301": func(f finding) string {
		return f.setting("tcp_retries2") + ": a vanished peer is noticed" + f.after(" after ", " late")
	},
	"CW302": func(f finding) string {
		return f.setting("tcp_retries2") + " gives up" + f.after(" after ", " early") + ", the RFC asks for 100 s"
	},
	"CW310": func(finding) string { return "a running value differs from what the next boot sets" },
	"CW311": func(finding) string { return "a sysctl drop-in is overridden by a later one" },
	"CW312": func(finding) string { return "namespaces have TCP settings of their own" },
	"CW401": func(f finding) string { return f.subject() + " is near its descriptor limit" + f.descriptors() },
	"CW402": func(f finding) string { return f.subject() + " has nearly used up the local ports" + f.toward(" to ") },
	"CW403": func(finding) string { return "orphans or TCP memory are near their limit" },
	"CW404": func(f finding) string { return f.subject() + " had its accept queue overflow" + f.at(" on ") },
}

// Headline is the title of a finding by itself, in one line of text that is clean.
func Headline(f *report.Finding) string {
	return finding{f, &page{report: &report.Report{}}}.headline()
}

// headline is the title of a finding. Codes that this version does not know get a title made of their cause.
func (f finding) headline() string {
	if f.Host != nil {
		alone := *f.Finding
		alone.Host = nil
		return f.page.text(*f.Host) + ": " + finding{&alone, f.page}.headline()
	}
	if title := headlines[f.Code]; title != nil {
		return title(f)
	}
	cause := strings.ReplaceAll(f.page.text(f.Cause), "_", " ")
	if cause == "" {
		cause = "a finding"
	}
	if f.aboutHost() {
		return cause
	}
	return f.subject() + ": " + f.sockets("socket") + ", " + cause
}

// subject names who a finding is about, as shortly as people would.
func (f finding) subject() string {
	unit := f.Workload != nil && f.Workload.Name != ""
	switch {
	case unit && f.Workload.Kind == "process" && len(f.Processes) == 1: // several programs may have one name
		return f.page.text(f.Workload.Name) + " (pid " + strconv.Itoa(f.Processes[0].PID) + ")"
	case unit:
		return f.page.text(f.Workload.Name)
	case len(f.Processes) > 0:
		return f.page.text(f.Processes[0].Comm) + " (pid " + strconv.Itoa(f.Processes[0].PID) + ")"
	case f.Local != nil:
		return "the owner of " + listener(*f.Local)
	}
	return "an owner not seen"
}

// sockets counts the sockets of a finding; counted does so with a noun that has no plural.
func (f finding) sockets(noun string) string { return plural(f.Count, noun) }

func (f finding) counted(noun string) string { return Thousands(f.Count) + " " + noun }

func (f finding) verb(one, many string) string {
	if f.Count == 1 {
		return one
	}
	return many
}

// growth is how fast a finding grows, as far as that is known and worth a word.
func (f finding) growth() string {
	g := f.Growth
	if g == nil || g.Kind == "unknown" || g.PerMinute < 0.05 && g.PerMinute > -0.05 {
		return ""
	}
	figure := strconv.FormatFloat(g.PerMinute, 'f', 1, 64)
	if g.PerMinute >= 9.95 || g.PerMinute <= -9.95 {
		figure = Thousands(int64(g.PerMinute))
	}
	if g.PerMinute > 0 {
		figure = "+" + figure
	}
	if g.Kind == "about" {
		return ", about " + figure + "/min"
	}
	return ", " + figure + "/min"
}

// at names the local end, toward the peers; both with a preposition and only when known.
func (f finding) at(preposition string) string {
	where := f.Local
	for i := range f.Culprits {
		if where == nil {
			where = f.Culprits[i].Listener
		}
	}
	if where == nil {
		return ""
	}
	return preposition + listener(*where)
}

func (f finding) toward(preposition string) string {
	switch len(f.Peers) {
	case 0:
		return ""
	case 1:
		return preposition + host(f.Peers[0].Address, f.Peers[0].Port)
	case 10:
		return preposition + "many peers"
	}
	return preposition + plural(len(f.Peers), "peer")
}

// stopped says in which way the holder does not run.
func (f finding) stopped() string {
	for _, what := range []string{"frozen", "uninterruptible", "stopped"} {
		if slices.ContainsFunc(f.Culprits, func(c report.Culprit) bool { return c.What == what }) {
			return deeds[what]
		}
	}
	return "does not run"
}

func (f finding) feeding() string {
	if f.Feeds == nil {
		return ""
	}
	return " and feed " + f.reference(*f.Feeds)
}

// setting names the limit that decides with its value.
func (f finding) setting(otherwise string) string {
	if l := f.Ends.Limit; l != nil {
		return f.page.text(l.Name) + "=" + strconv.FormatInt(l.Value, 10)
	}
	return otherwise
}

// after is the time the limit amounts to, or otherwise.
func (f finding) after(preposition, otherwise string) string {
	if l := f.Ends.Limit; l != nil && l.Seconds > 0 {
		return preposition + spoken.Duration(time.Duration(l.Seconds))
	}
	return otherwise
}

func (f finding) descriptors() string {
	if l := f.FDLimit; l != nil && l.Limit > 0 {
		return ": " + Thousands(l.Used) + " of " + Thousands(l.Limit) + " open"
	}
	return ""
}
