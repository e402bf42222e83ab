package cli

import (
	"errors"
	"testing"

	"github.com/closewait/closewait/internal/netns"
)

// TestLookError_noProc: where this process is not in /proc the answer names what to do about it.
func TestLookError_noProc(t *testing.T) {
	_, _, err := netns.List(t.Context(), netns.Roots{Proc: t.TempDir()})
	var said *Error
	if !errors.As(lookError(err), &said) || said.Exit != Usage || said.Code != "no_proc" || said.Help == "" {
		t.Errorf("%v: %+v", err, said)
	}
}
