package cli

import (
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/render"
)

// This file is the only one that decides what the output looks like: colour, characters and size.

const (
	defaultWidth = 80
	leastWidth   = 20
)

// style decides how screens and tables look. Outside a terminal there is no height, and a width only where COLUMNS asks for one.
func (a *app) style() render.Style {
	s := render.Style{Color: a.color(), ASCII: a.ascii(), Verbose: a.flags.verbose > 0}
	s.Width, s.Height = a.size()
	if a.flags.output == formatWide {
		s.Width, s.Height = 0, 0
	}
	return s
}

// size is the room for output; zeros stand for no limit.
func (a *app) size() (width, height int) {
	if a.cfg.OutTerminal && a.cfg.Size != nil {
		width, height = a.cfg.Size()
	}
	if n, err := strconv.Atoi(a.cfg.Env("COLUMNS")); width <= 0 && err == nil && n > 0 {
		width = n
	}
	if width <= 0 && a.cfg.OutTerminal {
		width = defaultWidth
	}
	if width > 0 {
		width = max(width, leastWidth)
	}
	return width, max(height, 0)
}

// color decides in this order: the flag, NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE, CLICOLOR=0 and TERM=dumb, whether stdout is a terminal.
func (a *app) color() bool {
	env := a.cfg.Env
	forced := func(name string) bool { v := env(name); return v != "" && v != "0" && v != "false" }
	switch {
	case a.flags.color != "auto":
		return a.flags.color == "always"
	case env("NO_COLOR") != "":
		return false
	case forced("FORCE_COLOR") || forced("CLICOLOR_FORCE"):
		return true
	case env("CLICOLOR") == "0" || env("TERM") == "dumb":
		return false
	}
	return a.cfg.OutTerminal
}

// ascii decides by the flag, the terminal and the locale: LC_ALL, else LC_CTYPE, else LANG.
func (a *app) ascii() bool {
	env := a.cfg.Env
	if term := env("TERM"); a.flags.ascii || a.cfg.OutTerminal && (term == "linux" || term == "dumb") {
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToLower(env(name)); locale != "" {
			return !strings.HasSuffix(locale, "utf-8") && !strings.HasSuffix(locale, "utf8") && !strings.Contains(locale, "utf-8@") && !strings.Contains(locale, "utf8@")
		}
	}
	return true
}
