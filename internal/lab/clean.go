package lab

import (
	"fmt"
	"os"
	"slices"

	"github.com/closewait/closewait/internal/stage"
)

// markName is the variable by which processes of the lab are known.
const markName = "CLOSEWAIT_LAB"

// Mark returns the entry of the environment that says which process a scene belongs to: this one.
func Mark() string { return markName + "=" + MarkOf(os.Getpid()) }

// MarkOf returns the mark of scenes that belong to a process: its pid and when it was started, as pids are used again.
func MarkOf(pid int) string { return fmt.Sprintf("%d:%d", pid, stage.Started(pid)) }

// Playing returns the processes with a mark. Those of other users are not seen without the right to.
func Playing(mark string) ([]stage.Marked, error) {
	return marked(func(m stage.Marked) bool { return m.Value == mark })
}

// Leftovers returns the processes of scenes whose owner has ended. There are none as a rule: they die with it.
func Leftovers() ([]stage.Marked, error) {
	return marked(func(m stage.Marked) bool { return orphaned(m.Value) })
}

// orphaned reports whether the process that a mark names has ended.
func orphaned(mark string) bool {
	var owner int
	_, _ = fmt.Sscanf(mark, "%d:", &owner)
	return MarkOf(owner) != mark
}

func marked(wanted func(stage.Marked) bool) ([]stage.Marked, error) {
	all, err := stage.FindMarked(markName)
	return slices.DeleteFunc(all, func(m stage.Marked) bool { return !wanted(m) }), err
}
