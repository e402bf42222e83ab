package cli

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/closewait/closewait/internal/lab"
	"github.com/closewait/closewait/internal/stage"
)

// labFlags are the flags of lab run and lab shell.
type labFlags struct {
	settings lab.Settings
	family   string
	sweep    string
	plot     string
	atOnce   int
	given    func(flag string) bool // on the command line
}

func (f *labFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.given, f.atOnce = flags.Changed, 1
	flags.IntVar(&f.settings.Retries2, lab.Retries2Flag, 0, "tcp_retries2 in the scene's network")
	flags.DurationVar(&f.settings.RTOMax, lab.RTOMaxFlag, 0, "the longest time-out there (Linux 6.15)")
	flags.DurationVar(&f.settings.UserTimeout, lab.UserTimeoutFlag, 0, "TCP_USER_TIMEOUT, where a scene sets it")
	flags.IntVar(&f.settings.Sockets, lab.SocketsFlag, 0, "how many, where a scene makes several")
	flags.DurationVar(&f.settings.Hold, "hold", 0, "keep the scene for so long at the end")
	flags.StringVar(&f.family, "family", "ipv4", "ipv4, ipv6 or mapped")
}

// check makes settings of the flags.
func (f *labFlags) check() error {
	s := &f.settings
	family := slices.IndexFunc(stage.Families(), func(fam stage.Family) bool { return fam.String() == f.family })
	switch {
	case family < 0:
		return usageError("", "flag --family: %q is none of ipv4, ipv6, mapped", f.family)
	case f.given(lab.Retries2Flag) && (s.Retries2 < 1 || s.Retries2 > 255):
		return usageError("", "flag --retries2: %d is not from 1 to 255", s.Retries2)
	case f.given(lab.SocketsFlag) && (s.Sockets < 1 || s.Sockets > 10000):
		return usageError("", "flag --sockets: %d is not from 1 to 10000", s.Sockets)
	case f.given(lab.RTOMaxFlag) && (s.RTOMax < time.Second || s.RTOMax > 120*time.Second):
		return usageError("", "flag --rto-max: %v is not from 1s to 120s, which is what the kernel takes", s.RTOMax)
	case f.given(lab.UserTimeoutFlag) && (s.UserTimeout < time.Millisecond || s.UserTimeout > math.MaxInt32*time.Millisecond):
		return usageError("", "flag --user-timeout: %v is not from 1ms to 596h, which is what the kernel takes", s.UserTimeout)
	case s.Hold < 0:
		return usageError("", "flag --hold: a time cannot be negative")
	case f.atOnce < 1:
		return usageError("", "flag --at-once: %d is less than 1", f.atOnce)
	case f.sweep != "" && f.given(lab.Retries2Flag):
		return usageError("", "--sweep already says which values of tcp_retries2")
	}
	s.Family = stage.Families()[family]
	return nil
}

// useless returns a flag that was given and changes nothing in a scene, "" where there is none.
func (f *labFlags) useless(s *lab.Scene) string {
	for _, flag := range lab.Flags() {
		given := f.given(flag) || flag == lab.Retries2Flag && f.sweep != ""
		if given && !s.Takes(flag) {
			return flag
		}
	}
	return ""
}

// takers names the scenes in which a flag changes something.
func takers(flag string) string {
	var names []string
	for _, s := range lab.Scenes() {
		if s.Takes(flag) {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ", ")
}

func labNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return append(sceneNames(), remedies, "all"), cobra.ShellCompDirectiveNoFileComp
}

func sceneNames() []string {
	var names []string
	for _, s := range lab.Scenes() {
		names = append(names, s.Name)
	}
	return names
}

// remedies stands for every stuck scene with every action.
const remedies = "remedies"

// tasks are the scenes of names with the settings of the flags: several times with actions, or with a sweep.
func (f *labFlags) tasks(names []string) ([]lab.Task, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, usageError("closewait lab list", "which scene? \"all\" plays every one")
	}
	var tasks []lab.Task
	for _, name := range names {
		some, err := f.named(name)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, some...)
	}
	return f.swept(tasks)
}

// named are the tasks that one name stands for.
func (f *labFlags) named(name string) (tasks []lab.Task, err error) {
	switch {
	case name == remedies || name == "all" && f.settings.Act != "":
		return f.remedies(), nil
	case name == "all":
		for _, s := range lab.Scenes() {
			tasks = append(tasks, lab.Task{Scene: s, Settings: f.settings})
		}
		return append(tasks, f.remedies()...), nil
	}
	s, ok := lab.Find(name)
	switch {
	case !ok:
		return nil, usageError(didYouMean(name, append(sceneNames(), remedies), "closewait lab list"), "unknown scene %q", name)
	case f.useless(&s) != "":
		flag := f.useless(&s)
		return nil, usageError("it does in "+takers(flag), "flag --%s changes nothing in %s", flag, name)
	case f.settings.Act != "" && !s.Stuck():
		return nil, usageError("closewait lab run "+name, "flag --act: nothing is stuck in %s", name)
	}
	return []lab.Task{{Scene: s, Settings: f.settings}}, nil
}

func (f *labFlags) remedies() (tasks []lab.Task) {
	for _, s := range lab.Scenes() {
		for _, act := range lab.Actions() {
			if !s.Stuck() || f.settings.Act != "" && f.settings.Act != act {
				continue
			}
			settings := f.settings
			settings.Act = act
			tasks = append(tasks, lab.Task{Scene: s, Settings: settings})
		}
	}
	return tasks
}

// swept are the tasks with each value of the sweep.
func (f *labFlags) swept(tasks []lab.Task) ([]lab.Task, error) {
	if f.sweep == "" {
		return tasks, nil
	}
	from, to, ok := strings.Cut(f.sweep, "..")
	first, err1 := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	if !ok || err1 != nil || err2 != nil || first < 1 || last > 15 || first > last {
		return nil, usageError("--sweep 3..6", "flag --sweep: %q is no range from 1 to 15", f.sweep)
	}
	var swept []lab.Task
	for _, task := range tasks {
		for task.Retries2 = first; task.Retries2 <= last; task.Retries2++ {
			swept = append(swept, task)
		}
	}
	return swept, nil
}
