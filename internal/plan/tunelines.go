package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/setting"
	"github.com/closewait/closewait/tcp"
)

// rfcMinimum is the least time RFC 9293 (3.8.3, SHLD-11) wants a connection to be tried for.
const rfcMinimum = 100 * time.Second

// giveUp is the limit the kernel makes of tcp_retries2 (tcp_model_timeout).
func giveUp(retries, rtoMax int64) time.Duration {
	return forecast.Timeout(int(retries), time.Duration(rtoMax)*time.Millisecond)
}

// lines says what a setting does and does not do.
func (t *Tuning) lines(w *Wanted) []report.Line {
	lines := []report.Line{}
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, report.Line{Label: label, Text: text})
		}
	}
	add("effect", t.effect(w))
	add("touches", t.touches(w))
	for _, text := range t.untouched(w) {
		add("not", text)
	}
	add("risk", t.risk(w))
	for _, text := range t.pods(w) {
		add("pod", text)
	}
	return lines
}

// effect says what the values amount to, "" where the number says all. Namespaces can differ in what they had, and in other settings that count.
func (t *Tuning) effect(w *Wanted) string {
	var sentence string
	var thens, wases []string
	for i := range t.Targets {
		if _, there := t.Targets[i].Values[w.Key()]; !there {
			continue
		}
		what, then, was := t.amounts(w, i)
		if what == "" || then == was {
			continue
		}
		sentence = what
		if !slices.Contains(thens, then) {
			thens = append(thens, then)
		}
		if !slices.Contains(wases, was) {
			wases = append(wases, was)
		}
	}
	if sentence == "" {
		return ""
	}
	return fmt.Sprintf(sentence, anyOf(thens)) + ", was " + anyOf(wases)
}

// anyOf lists what differs between namespaces.
func anyOf(texts []string) string {
	if len(texts) > 3 {
		return strings.Join(texts[:3], ", ") + ", ... (they differ)"
	}
	return strings.Join(texts, " or ")
}

// amounts returns a sentence with a place for what the values amount to in a target, and what that is then and was before.
func (t *Tuning) amounts(w *Wanted, target int) (sentence, then, was string) {
	value, old := number(w.Value, 0), t.was(w.Name, target)
	switch w.Name {
	case "tcp_retries2", "tcp_rto_max_ms":
		return "a vanished peer is given up after %s of silence", span(t.value("tcp_retries2", target), t.value("tcp_rto_max_ms", target)),
			span(t.was("tcp_retries2", target), t.was("tcp_rto_max_ms", target))
	case "tcp_orphan_retries":
		return "a closing socket that nobody holds is given up after about %s", seconds(orphan(value)), seconds(orphan(old))
	case "tcp_syn_retries":
		return "a connect that nobody answers fails after at least %s", seconds(syn(value)), seconds(syn(old))
	case "tcp_fin_timeout":
		return "a closed connection waits about %s for the peer's FIN", w.Value + " s", strconv.FormatInt(old, 10) + " s"
	case "tcp_keepalive_time", "tcp_keepalive_intvl", "tcp_keepalive_probes":
		idle := func(of func(string, int) int64) string {
			return seconds(time.Duration(of("tcp_keepalive_time", target)+of("tcp_keepalive_intvl", target)*of("tcp_keepalive_probes", target)) * time.Second)
		}
		return "an idle connection with keepalive whose peer is gone ends after %s", idle(t.value), idle(t.was)
	}
	return "", "", ""
}

// span is the time from the last answer to the end on paths of a round-trip time from 1 ms to 200 ms.
func span(retries, rtoMax int64) string {
	var first, last time.Duration
	for _, rtt := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond} {
		rows := forecast.Table(forecast.Path{RTT: rtt, RTOMax: time.Duration(rtoMax) * time.Millisecond})
		row := rows[min(retries, int64(len(rows)-1))]
		if first == 0 || row.FromSend < first {
			first = row.FromSend
		}
		last = max(last, row.FromSend)
	}
	if retries >= int64(len(forecast.Table(forecast.Path{}))) {
		return "more than " + seconds(first)
	}
	return seconds(first) + " to " + seconds(last)
}

// orphan is the limit of tcp_orphan_retries, where 0 stands for 8 while the time-out grows.
func orphan(retries int64) time.Duration {
	if retries == 0 {
		retries = 8
	}
	return giveUp(retries, 120_000)
}

// syn is the limit of tcp_syn_retries: its base is the initial time-out of 1 s.
func syn(retries int64) time.Duration {
	return time.Duration(1<<(min(max(retries, 0), 30)+1)-1) * time.Second
}

// touches says which sockets feel the setting.
func (t *Tuning) touches(w *Wanted) string {
	var names []string
	for i := range t.Targets {
		if _, there := t.Targets[i].Values[w.Key()]; there {
			names = append(names, t.Targets[i].Label())
		}
	}
	where := "namespace " + strings.Join(names, ", ")
	if len(names) > 3 {
		where = strconv.Itoa(len(names)) + " namespaces"
	}
	if w.Scope == setting.WholeHost {
		where = "the whole host"
	} else if t.Judged {
		where += " (" + plural(len(t.Rows), "connection") + ")"
	}
	return where + ": " + w.Touches
}

// untouched says which sockets and namespaces somebody may think of that do not feel it.
func (t *Tuning) untouched(w *Wanted) []string {
	var texts []string
	if w.Scope == setting.PerNetns && len(t.Others) > 0 {
		values := map[string]int{}
		for i := range t.Others {
			if value, ok := t.Others[i].Values[w.Key()]; ok {
				values[report.SysctlValue(value).String()]++
			}
		}
		own := ""
		if len(values) == 1 {
			for value := range values {
				own = ", own value " + value
			}
		}
		texts = append(texts, plural(len(t.Others), "other namespace")+own+" → --netns, or the settings of the container")
	}
	idle := 0
	for i := range t.Rows {
		if s := t.Rows[i].Socket; s.State == tcp.CloseWait && s.Timer.Kind == tcp.TimerNone {
			idle++
		}
	}
	if idle > 0 && w == &t.Wanted[0] {
		texts = append(texts, plural(idle, "CLOSE_WAIT socket")+": nothing is in flight on "+agree(idle, "it", "them")+", so that no setting ends "+agree(idle, "it; its", "them; their")+" program has to close "+agree(idle, "it", "them"))
	}
	return texts
}

// risk says what can go wrong with a lower value.
func (t *Tuning) risk(w *Wanted) string {
	at := slices.IndexFunc(t.Targets, func(target look.Settings) bool {
		value, there := target.Values[w.Key()]
		return there && number(w.Value, 0) < number(value, w.Default)
	})
	switch {
	case w.Name == "tcp_abort_on_overflow" && w.Value != "0":
		return "clients get a reset where they would have been served a moment later"
	case w.Name == "tcp_tw_reuse" && w.Value == "1":
		return "without timestamps on both ends a late segment of the old connection can reach the new one"
	case at < 0: // lower nowhere
		return ""
	case w.Name == "tcp_retries2" || w.Name == "tcp_rto_max_ms":
		return "paths with outages over " + seconds(giveUp(t.value("tcp_retries2", at), t.value("tcp_rto_max_ms", at))) + " lose their connections; a peer that keeps its window closed is given up as soon when its probes get lost"
	case w.Name == "tcp_max_orphans":
		return "beyond that many, sockets that were closed with data unsent are reset and the data are lost"
	case strings.HasPrefix(w.Name, "tcp_keepalive"):
		return "idle connections whose path fails for that long are ended"
	case w.Name == "tcp_fin_timeout":
		return "a peer that closes later gets a reset"
	case strings.HasPrefix(w.Name, "nf_conntrack"):
		return "connections that are silent for longer in this state lose their NAT entry: what is sent then is dropped or reset"
	}
	return ""
}

// pods says how a pod gets the setting for good.
func (t *Tuning) pods(w *Wanted) []string {
	var texts []string
	for _, target := range slices.Concat(t.Targets, t.Others) {
		if target.Pod == "" || w.Scope != setting.PerNetns {
			continue
		}
		snippet := fmt.Sprintf("securityContext: {sysctls: [{name: %s, value: %q}]}", w.Key(), w.shown())
		need := "; the kubelet needs --allowed-unsafe-sysctls=" + w.Key()
		if since, safe := w.PodSafe(); safe {
			need = ""
			if since != "" {
				need = "; safe since Kubernetes " + since
			}
		}
		return append(texts, "in the spec of "+target.Pod+": "+snippet+need)
	}
	return texts
}

// together says when the sockets at hand end today and after the whole change, and what would touch fewer of them.
func (t *Tuning) together() []report.Line {
	if len(t.Changes()) == 0 || !t.Judged {
		return nil
	}
	var today, then bounds
	other := 0
	for i := range t.Rows {
		row := &t.Rows[i]
		if row.EndsIf == nil || row.Ends.Same(row.EndsIf) {
			continue
		}
		other++
		today.add(row.Ends)
		then.add(*row.EndsIf)
	}
	if other == 0 {
		return []report.Line{{Label: "now", Text: "none of the sockets here ends otherwise; later ones will"}}
	}
	lines := []report.Line{{Label: "now", Text: fmt.Sprintf("%s here %s otherwise: %s, today %s", plural(other, "socket"), agree(other, "ends", "end"), then.String(), today.String())}}
	if t.wants("tcp_retries2") {
		lines = append(lines, report.Line{Label: "better", Text: "closewait limit 60s 'FILTER' sets TCP_USER_TIMEOUT on the stuck sockets alone"})
	}
	return lines
}

// bounds is the first and the last of some ends, and how many of them have no moment.
type bounds struct {
	at, without int
	first, last time.Duration
}

func (b *bounds) add(e forecast.Ends) {
	if e.Kind != forecast.At {
		b.without++
		return
	}
	if b.at++; b.at == 1 || e.Best < b.first {
		b.first = e.Best
	}
	b.last = max(b.last, e.Best)
}

// String returns "in 9 s to 110 s" or what else there is to say.
func (b *bounds) String() string {
	if b.at == 0 {
		return "at no moment that could be told"
	}
	text := "in " + seconds(b.first)
	if seconds(b.last) != seconds(b.first) {
		text += " to " + seconds(b.last)
	}
	if b.without > 0 {
		text += " (" + strconv.Itoa(b.without) + " at no moment that could be told)"
	}
	return text
}

// seconds writes a time in seconds up to two minutes, then in minutes, then in hours.
func seconds(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
	case d < 2*time.Minute:
		return strconv.FormatInt(int64(d.Round(time.Second)/time.Second), 10) + " s"
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm %02ds", int64(d/time.Minute), int64(d%time.Minute/time.Second))
	}
	return fmt.Sprintf("%dh %02dm", int64(d/time.Hour), int64(d%time.Hour/time.Minute))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func agree(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
