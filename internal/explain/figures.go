package explain

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/closewait/closewait/forecast"
)

// The paths that figures are given for, unless one is asked for.
const (
	lan = time.Millisecond
	far = 100 * time.Millisecond
)

// figures knows what the words in braces stand for.
type figures struct {
	facts Facts
	page  string
}

// of returns the figure, or the lines of the table, that a marker stands for:
//
//	{limit N [RTOMAX]}   what tcp_retries2=N amounts to, with the longest time-out of 120 s or another
//	{life N}             from the send to the end on a path of 1 ms, no limit but tcp_retries2=N
//	{idle}               until keepalive with its default settings ends an idle connection whose peer is gone
//	{probes} {probes most}   until probes of a closed window end a connection whose peer is gone, with tcp_retries2=15: from the first on, and at the most
//	{host}               what is known of the host's settings, and what they amount to
//
// It panics on other words; the tests read every page.
func (f figures) of(words []string) string {
	defaults := forecast.Defaults()
	switch words[0] {
	case "limit":
		rtoMax := defaultRTOMax()
		if len(words) > 2 {
			rtoMax = must(time.ParseDuration(words[2]))
		}
		return seconds(forecast.Timeout(must(strconv.Atoi(words[1])), rtoMax))
	case "life":
		return seconds(forecast.Table(forecast.Path{RTT: lan})[must(strconv.Atoi(words[1]))].FromSend)
	case "idle":
		return idleEnd(&defaults).String()
	case "probes":
		fresh, most := probeTimes(defaults.Retries2.Value, defaultRTOMax())
		if len(words) > 1 {
			return minutes(most)
		}
		return minutes(fresh)
	case "host":
		return strings.Join(f.host(), "\n")
	}
	panic("no figure " + words[0])
}

// must returns a value that a page of ours contains, so that an error is a mistake in it.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// host returns the lines on this host of a page.
func (f figures) host() []string {
	lines := []string{"kernel " + or(f.facts.Kernel, "not known here") + "; the settings of this network namespace:"}
	switch f.page {
	case "tcp_retries2":
		lines = append(lines, f.setting("tcp_retries2"), f.setting("tcp_rto_max_ms"))
		return append(lines, f.lives()...)
	case "rto":
		lines = append(lines, f.setting("tcp_rto_min_us"), f.setting("tcp_rto_max_ms"))
		return append(lines, f.waits()...)
	case "user_timeout":
		return append([]string{"No setting gives sockets one. What ends those without, here:"}, f.withoutUserTimeout()...)
	case "keepalive":
		lines = append(lines, f.setting("tcp_keepalive_time"), f.setting("tcp_keepalive_intvl"), f.setting("tcp_keepalive_probes"))
		return append(lines, "SO_KEEPALIVE on, idle, peer gone: ended after "+idleEnd(new(f.facts.limits())).String()+".")
	case "orphan", "last_ack", "CW204":
		lines = append(lines, f.setting("tcp_orphan_retries"))
		if f.page == "orphan" {
			lines = append(lines, f.setting("tcp_max_orphans"))
		}
		return append(append(lines, f.orphanEnds()...), f.setting("tcp_retries2"), f.heldEnd())
	case "zero_window":
		return append(append(lines, f.setting("tcp_retries2")), f.probeEnds()...)
	case "CW203":
		return append(lines, f.setting("tcp_retries2"), f.localEnd())
	case "syn_retries":
		return append(lines, f.setting("tcp_syn_retries"), f.setting("tcp_syn_linear_timeouts"), f.setting("tcp_synack_retries"))
	case "time_wait":
		return []string{"60 s on every Linux host: TCP_TIMEWAIT_LEN, a constant of the kernel.", f.setting("tcp_fin_timeout"), "is about FIN_WAIT_2 and changes nothing here."}
	case "fin_wait_2":
		return append(lines, f.setting("tcp_fin_timeout"), f.finEnd())
	}
	return append(lines, f.setting("tcp_retries2"), f.heldEnd())
}

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// setting is the line of one setting.
func (f figures) setting(name string) string {
	value, known := f.facts.Sysctls[name]
	if !known {
		return fmt.Sprintf("  %-22s not known here%s", name, since(name))
	}
	return strings.TrimRight(fmt.Sprintf("  %-22s %-9d%s", name, value, byDefault(name)), " ")
}

// since says why a setting may be missing.
func since(name string) string {
	switch name {
	case "tcp_rto_max_ms":
		return " (kernels before 6.15 have 120 s)"
	case "tcp_syn_linear_timeouts":
		return " (kernels before 6.5 have none)"
	case "tcp_rto_min_us":
		return " (kernels before 6.11 have 200 ms)"
	case "tcp_max_orphans":
		return " (only the first namespace shows it)"
	}
	return ""
}

// byDefault tells the default of a setting where it is the same on every host.
func byDefault(name string) string {
	d := forecast.Defaults()
	values := map[string]int64{
		"tcp_retries2": d.Retries2.Value, "tcp_orphan_retries": d.OrphanRetries.Value,
		"tcp_rto_max_ms": d.RTOMax.Value.Milliseconds(), "tcp_rto_min_us": d.RTOMin.Value.Microseconds(),
		"tcp_fin_timeout":      int64(d.FinTimeout.Value / time.Second),
		"tcp_keepalive_time":   int64(d.KeepaliveTime.Value / time.Second),
		"tcp_keepalive_intvl":  int64(d.KeepaliveInterval.Value / time.Second),
		"tcp_keepalive_probes": d.KeepaliveProbes.Value,
	}
	if value, ok := values[name]; ok {
		return " (default " + strconv.FormatInt(value, 10) + ")"
	}
	return ""
}
