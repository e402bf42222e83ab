package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/setting"
)

// Tuning is a wish to give settings other values, with all that has to be known of the host.
type Tuning struct {
	Wanted []Wanted
	// Targets are the namespaces that are changed, Others those that are not.
	Targets, Others []look.Settings
	// Rows are the sockets of the targets, but for listeners, with their ends today and after the change. Judged is false when nobody looked.
	Rows   []look.Row
	Judged bool
	// Persist is the file for the next boot, nil when there is to be none.
	Persist *Persist
	// Managers are programs that write settings by themselves.
	Managers []look.Manager
}

// Wanted is a setting and the value it is to have, as the kernel shows it.
type Wanted struct {
	setting.Setting
	Value string
}

// Persist is a file of /etc/sysctl.d that is to be written.
type Persist struct {
	Path string
	// Before is the text it has, nil when it does not exist.
	Before *string
	After  string
	// Loader is the program that reads it at boot, "" when none was seen.
	Loader string
	// Lost are the lines that will decide instead of the file.
	Lost []Lost
	// Better is the name of a file that would decide, "" when none would.
	Better string
	// Unread are files that could not be read and may decide otherwise.
	Unread []string
}

// Lost is a setting of a file that another line sets as well and later.
type Lost struct {
	Key     string
	Line    look.BootLine
	Loaders []string // those that read it last
}

// Draft plans the change: each setting in each namespace, then the file.
func (t *Tuning) Draft() *Draft {
	d := &Draft{Together: true}
	for i := range t.Wanted {
		t.setting(d, &t.Wanted[i])
		t.denied(d, &t.Wanted[i])
	}
	if len(d.Groups) > 0 {
		first := &d.Groups[0]
		first.Lines = append(first.Lines, t.together()...)
	}
	t.minimum(d)
	if t.Persist != nil {
		t.file(d)
	}
	return d
}

// Differs reports whether the change would change anything.
func (d *Draft) Differs() bool {
	return slices.ContainsFunc(d.Steps, func(s report.Step) bool { return s.Before != s.After })
}

func (t *Tuning) setting(d *Draft, w *Wanted) {
	before := map[string]int{}
	steps := 0
	for i := range t.Targets {
		target := &t.Targets[i]
		value, there := target.Values[w.Key()]
		if !there { // of the whole host, or of a module: not every namespace has it
			continue
		}
		step := sysctlStep(w.Key(), value, w.Value, target)
		d.Steps = append(d.Steps, step)
		before[step.Before.String()]++
		steps++
	}
	values := slices.Sorted(maps.Keys(before))
	title := w.Key() + "  " + strings.Join(values, ", ") + " → " + w.shown()
	if len(values) == 1 && values[0] == w.shown() {
		title = w.Key() + "  is " + values[0] + " already"
	}
	if steps > 1 {
		title += ", in " + strconv.Itoa(steps) + " namespaces"
	}
	d.Groups = append(d.Groups, report.Group{Sign: "~", Title: title, Steps: steps, Undoable: true, Lines: t.lines(w)})
}

// shown is the value with single spaces.
func (w *Wanted) shown() string { return report.SysctlValue(w.Value).String() }

// denied refuses what the kernel would refuse.
func (t *Tuning) denied(d *Draft, w *Wanted) {
	for i := range t.Targets {
		if target := &t.Targets[i]; slices.Contains(target.Denied, w.Key()) {
			d.Refuse(fmt.Sprintf("%s may not be written in namespace %s: it takes root (CAP_NET_ADMIN there), and a /proc/sys that is not mounted read-only", w.Key(), target.Label()), "")
			return
		}
	}
}

// sysctlStep is the step that sets a setting in a namespace.
func sysctlStep(key, before, after string, t *look.Settings) report.Step {
	target := &report.SysctlTarget{Path: t.Path}
	if t.Cookie != 0 {
		target.Cookie = "0x" + strconv.FormatUint(t.Cookie, 16)
	}
	netns := report.Netns{Inode: t.Inode}
	if t.Name != "" {
		netns.Name = &t.Name
	}
	if t.PID != 0 {
		netns.PID = &t.PID
	}
	return report.Step{
		Action: report.ActionSysctl, Target: key, Netns: &netns, Before: report.SysctlValue(before), After: report.SysctlValue(after), Undoable: true, Detail: report.Detail{Sysctl: target},
	}
}

// minimum names the risk of giving up earlier than RFC 9293 wants.
func (t *Tuning) minimum(d *Draft) {
	for i := range t.Targets {
		retries, rtoMax := t.value("tcp_retries2", i), t.value("tcp_rto_max_ms", i)
		if retries == t.was("tcp_retries2", i) && rtoMax == t.was("tcp_rto_max_ms", i) {
			continue
		}
		limit := giveUp(retries, rtoMax)
		if (t.wants("tcp_retries2") && retries < 8) || (t.wants("tcp_retries2") || t.wants("tcp_rto_max_ms")) && limit < rfcMinimum {
			d.Risk(report.RiskBelowRFCMinimum, fmt.Sprintf("data may stay unanswered for %s only, and RFC 9293 (3.8.3) asks for at least 100 s: any outage longer than that ends every connection with data in flight", seconds(limit)))
			return
		}
	}
}

// value is the number a setting will have in a target: the one that is wanted, or else the one it has, or the kernel's default.
func (t *Tuning) value(name string, target int) int64 {
	s, _ := setting.Find(name)
	text := t.Targets[target].Values[s.Key()]
	for i := range t.Wanted {
		if t.Wanted[i].Name == name {
			text = t.Wanted[i].Value
		}
	}
	return number(text, s.Default)
}

// was is the number a setting has in a target today.
func (t *Tuning) was(name string, target int) int64 {
	s, _ := setting.Find(name)
	return number(t.Targets[target].Values[s.Key()], s.Default)
}

func number(text string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
		return n
	}
	return otherwise
}

func (t *Tuning) wants(name string) bool {
	return slices.ContainsFunc(t.Wanted, func(w Wanted) bool { return w.Name == name })
}

// Changes are the settings among the wanted ones by which a forecast differs.
func (t *Tuning) Changes() []forecast.Change {
	var list []forecast.Change
	for i := range t.Wanted {
		if n, err := strconv.ParseInt(t.Wanted[i].Value, 10, 64); err == nil && forecast.Decides(t.Wanted[i].Name) {
			list = append(list, forecast.Change{Key: t.Wanted[i].Name, Value: n})
		}
	}
	return list
}
