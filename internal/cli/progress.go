package cli

import (
	"fmt"
	"time"
)

// progress shows a line on stderr while something takes longer than patience; stop erases it and returns when it is gone. Without a terminal
// it does nothing.
func (a *app) progress(what string) (stop func()) {
	if !a.cfg.ErrTerminal || a.flags.quiet {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		begin, wait := a.cfg.Now(), time.NewTimer(patience)
		defer wait.Stop()
		for shown := false; ; shown = true {
			select {
			case <-quit:
				if shown {
					fmt.Fprint(a.cfg.Err, "\r\x1b[K")
				}
				return
			case <-wait.C:
				fmt.Fprintf(a.cfg.Err, "\r%s, %.1f s\x1b[K", what, a.cfg.Now().Sub(begin).Seconds())
				wait.Reset(200 * time.Millisecond)
			}
		}
	}()
	return func() { close(quit); <-done }
}
