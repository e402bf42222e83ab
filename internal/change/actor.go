package change

import (
	"context"
	"errors"

	"github.com/closewait/closewait/internal/report"
)

// Actor carries out the steps of one action.
type Actor interface {
	// Read says where the target of a step stands.
	Read(ctx context.Context, s *report.Step) (Reading, error)
	// Apply makes the step. It is called when Read has said AsBefore.
	Apply(ctx context.Context, s *report.Step) error
	// Undo takes the step back. It is called when Read has said AsAfter, and only for undoable steps.
	Undo(ctx context.Context, s *report.Step) error
}

// tidier is an Actor that may leave something beside its target when it is killed.
type tidier interface {
	// tidy removes that. It is called instead of Undo when Read has said AsBefore.
	tidy(s *report.Step) error
}

// crew is an Actor that handles many steps in one network namespace with few calls of the kernel. Each step stands for itself all the same.
type crew interface {
	// readEach is Read, applyEach is Apply. After steps were made reading may trust the kernel's word that they were, and only look for what speaks against it.
	readEach(ctx context.Context, steps []*report.Step, made bool) []found
	applyEach(ctx context.Context, steps []*report.Step) []error
}

// found is what Read returns.
type found struct {
	Reading
	err error
}

func (f found) split() (Reading, error) { return f.Reading, f.err }

// Actors are the actors by action.
type Actors map[string]Actor

// Reading is where a target stands.
type Reading struct {
	Standing Standing
	// Now is the value it has.
	Now report.Value
}

// Standing is a target's value compared with those of a step.
type Standing uint8

// The standings.
const (
	AsBefore  Standing = iota // the value the step starts from
	AsAfter                   // the value the step leads to
	Gone                      // the target has ended
	Elsewhere                 // another value: somebody else wrote
	Between                   // of a value of several parts, some are as before and some as after: whoever made or took back the step was stopped
)

// Compare returns the standing of a value.
func Compare(s *report.Step, now report.Value) Reading {
	switch now {
	case s.After:
		return Reading{AsAfter, now}
	case s.Before:
		return Reading{AsBefore, now}
	}
	return Reading{Elsewhere, now}
}

// ErrRefused is what an Actor's error wraps when the kernel, or the actor itself, will not do it and nothing was changed; fs.ErrPermission and
// errors.ErrUnsupported mean the same. fs.ErrNotExist means that the target has ended.
var ErrRefused = errors.New("refused")
