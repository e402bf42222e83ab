package render

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/spoken"
)

// who names the holder: in the words of whoever runs it, with its process and its descriptors.
func (f finding) who() string {
	if f.aboutHost() {
		return ""
	}
	var parts []string
	if f.Workload != nil {
		parts = append(parts, f.page.workload(f.Workload))
	}
	for _, part := range f.holders() {
		if len(parts) == 0 || part != parts[0] { // a program is often called as its workload
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return "not known: its holder could not be read"
	}
	if l := f.FDLimit; l != nil && l.Limit > 0 {
		parts = append(parts, Thousands(l.Used)+" of "+Thousands(l.Limit)+" fds open")
	}
	if name := f.namespace(); name != "" {
		parts = append(parts, name)
	}
	return strings.Join(parts, "  ")
}

// namespace names the network namespace the way --netns takes it, "" for the host's: the same addresses may stand in several.
func (f finding) namespace() string {
	switch n := f.Netns; {
	case n == nil:
		return ""
	case n.Name != nil && *n.Name == "host":
		return ""
	case n.Name != nil:
		return "netns " + f.page.text(*n.Name)
	case n.PID != nil:
		return "netns of pid " + strconv.Itoa(*n.PID)
	}
	return ""
}

// aboutHost reports whether the finding concerns settings of the host rather than somebody's sockets.
func (f finding) aboutHost() bool {
	return f.Workload == nil && len(f.Processes) == 0 && f.Count == 0
}

// holders lists the processes that hold the sockets.
func (f finding) holders() []string {
	switch n := len(f.Processes); {
	case f.Processes == nil:
		return nil
	case n == 0:
		return []string{"held by no process"}
	case n == 1:
		return []string{"pid " + strconv.Itoa(f.Processes[0].PID), f.page.text(f.Processes[0].Comm)}
	default:
		first := "pid " + strconv.Itoa(f.Processes[0].PID) + ", " + strconv.Itoa(f.Processes[1].PID)
		if n > 2 {
			first += " and " + Thousands(n-2) + " more"
		}
		return []string{first, f.page.text(f.Processes[0].Comm)}
	}
}

// workload names who runs a process by the most telling of its names.
func (p *page) workload(w *report.Workload) string {
	switch {
	case w.Pod != nil:
		return "pod " + p.text(*w.Pod)
	case w.Unit != nil:
		return p.text(*w.Unit)
	case w.Kind == "container":
		return "container " + p.text(w.Name)
	}
	return p.text(w.Name)
}

// peer says where the connections lead to.
func (f finding) peer() string {
	if len(f.Peers) == 0 {
		return ""
	}
	first := f.Peers[0]
	name := host(first.Address, first.Port)
	others := len(f.Peers) - 1
	switch {
	case others == 0 && first.Count >= f.Count:
		return name
	case first.Count > f.Count || f.Count == 0: // counts of another kind: no share of anything
		return name + f.otherPeers(others)
	}
	return name + " holds " + percent(first.Count, f.Count) + " of them" + f.otherPeers(others)
}

// otherPeers counts the peers beside the first. A finding lists ten at most.
func (f finding) otherPeers(n int) string {
	switch {
	case n == 0:
		return ""
	case n >= 9:
		return "  (at least " + plural(n, "other peer") + ")"
	}
	return "  (" + plural(n, "other peer") + ")"
}

// since says how long it has been so.
func (f finding) since() string {
	if f.Age.OldestSeconds == nil {
		return ""
	}
	oldest := time.Duration(*f.Age.OldestSeconds)
	at := f.page.clock(f.page.report.TakenAt.Add(-oldest))
	switch f.Age.Kind {
	case "exact":
		return at + "; the oldest for " + spoken.Duration(oldest)
	case "at_least":
		return at + " or earlier; the oldest for at least " + spoken.Duration(oldest)
	case "about":
		return "about " + at + "; the oldest has been quiet for " + spoken.Duration(oldest)
	}
	return ""
}

// why names the culprits and then the evidence; without either, what the code means.
func (f finding) why() string {
	var parts []string
	// A culprit nobody can name ("the peers") adds nothing to the evidence.
	named := slices.DeleteFunc(slices.Clone(f.Culprits), func(c report.Culprit) bool {
		return c.Comm == nil && c.PID == nil && c.TID == nil && c.Peer == nil && len(f.Evidence) > 0
	})
	for i := range named {
		if i == 2 {
			parts = append(parts, Thousands(len(named)-2)+" more like these")
			break
		}
		parts = append(parts, f.culprit(&named[i]))
	}
	if victims := f.victims(); victims != "" && len(parts) > 0 && f.Victims.Count < f.Count {
		parts = append(parts, victims)
	}
	for _, sentence := range f.Evidence {
		parts = append(parts, f.page.text(sentence))
	}
	if len(parts) == 0 {
		return meanings[f.Code]
	}
	return strings.Join(parts, "; ")
}

// deeds are the kinds of culprits in words.
var deeds = map[string]string{
	"blocked_in_read": "is blocked in a read", "blocked_in_write": "is blocked in a write", "blocked_in_connect": "is blocked in a connect",
	"blocked_in_lock": "waits for a lock", "sleeping": "sleeps", "busy_cpu": "is busy on a CPU", "uninterruptible": "is in uninterruptible sleep",
	"stopped": "is stopped", "frozen": "is frozen", "not_accepting": "does not accept", "not_closing": "does not close",
	"inherited": "holds an inherited copy", "other_leg": "keeps the other leg open", "peer": "does not answer",
	"local_drop": "drops the packets", "fd_limit": "cannot accept for want of a descriptor",
}

// peerDeeds are what a peer, or several, are to blame for, by the code of the finding.
var peerDeeds = map[string][2]string{"CW201": {"is silent", "are silent"}, "CW202": {"does not read", "do not read"}, "CW205": {"does not close", "do not close"}}

// culprit is a sentence about who is to blame.
func (f finding) culprit(c *report.Culprit) string {
	name := f.culpritName(c)
	deed, ok := deeds[c.What]
	if of, own := peerDeeds[f.Code]; own && c.What == "peer" {
		deed = of[0]
		if name == peers {
			deed = of[1]
		}
	}
	if !ok {
		deed = strings.ReplaceAll(f.page.text(c.What), "_", " ")
	}
	words := name + " " + deed
	if c.FD != nil {
		words += ", fd " + strconv.Itoa(*c.FD)
	}
	if c.Peer != nil && c.What != "peer" {
		words += " " + f.page.glyphs().arrow + " " + endpoint(*c.Peer)
	}
	if c.Listener != nil {
		words += " on " + listener(*c.Listener)
	}
	if c.SinceSeconds != nil {
		words += " for " + spoken.Duration(time.Duration(*c.SinceSeconds))
	}
	return words
}

// peers is the name of a culprit that stands for several peers.
const peers = "the peers"

func (f finding) culpritName(c *report.Culprit) string {
	var parts []string
	if c.Comm != nil {
		parts = append(parts, f.page.text(*c.Comm))
	}
	switch {
	case c.What == "peer" && c.Peer != nil:
		return endpoint(*c.Peer)
	case c.TID != nil:
		parts = append(parts, "(tid "+strconv.Itoa(*c.TID)+")")
	case c.PID != nil:
		parts = append(parts, "(pid "+strconv.Itoa(*c.PID)+")")
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, " ")
	case c.What == "peer":
		return peers
	}
	return "somebody"
}

// ends says when the kernel ends the sockets.
func (f finding) ends() string {
	reason := f.page.text(f.Ends.Reason)
	switch f.Ends.Kind {
	case "never":
		return because("never", reason)
	case "at":
		words := f.page.moment(&f.Ends)
		if l := f.Ends.Limit; l != nil {
			words += " (" + f.page.text(l.Name) + "=" + strconv.FormatInt(l.Value, 10) + ")"
		}
		if f.Ends.Error != nil {
			words += "; the program gets " + f.page.text(*f.Ends.Error)
		}
		return words
	case "unknown":
		if f.aboutHost() || f.Count == 0 {
			return ""
		}
		return because("not known", reason)
	}
	return ""
}

// because joins an answer and its reason, which may be a whole sentence or a part of one.
func because(answer, reason string) string {
	switch {
	case reason == "":
		return answer
	case reason[0] >= 'A' && reason[0] <= 'Z':
		return answer + ". " + reason
	}
	return answer + ": " + reason
}

// kernelEnds is the sentence of ends for short findings.
func (f finding) kernelEnds() string {
	noun := "them"
	if f.Count == 1 {
		noun = "it"
	}
	return "the kernel ends " + noun + " " + f.page.moment(&f.Ends)
}

// moment writes when something ends, as exactly as it is known.
func (p *page) moment(e *report.Ends) string {
	switch {
	case e.EarliestSeconds != nil && e.LatestSeconds != nil:
		return "in " + span(time.Duration(*e.EarliestSeconds), time.Duration(*e.LatestSeconds))
	case e.Seconds != nil:
		return "in about " + spoken.Duration(time.Duration(*e.Seconds))
	}
	return "at a moment not known"
}
