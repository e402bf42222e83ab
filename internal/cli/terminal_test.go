package cli

import "testing"

func TestColor_order(t *testing.T) {
	for name, c := range map[string]struct {
		flag     string
		env      map[string]string
		terminal bool
		want     bool
	}{
		"terminal":                   {"auto", nil, true, true},
		"pipe":                       {"auto", nil, false, false},
		"flag_beats_NO_COLOR":        {"always", map[string]string{"NO_COLOR": "1"}, false, true},
		"flag_never":                 {"never", map[string]string{"FORCE_COLOR": "1"}, true, false},
		"NO_COLOR_beats_FORCE":       {"auto", map[string]string{"NO_COLOR": "0", "FORCE_COLOR": "1"}, true, false},
		"FORCE_beats_dumb":           {"auto", map[string]string{"FORCE_COLOR": "1", "TERM": "dumb"}, false, true},
		"CLICOLOR_FORCE":             {"auto", map[string]string{"CLICOLOR_FORCE": "1", "CLICOLOR": "0"}, false, true},
		"CLICOLOR_FORCE_0_is_no_yes": {"auto", map[string]string{"CLICOLOR_FORCE": "0"}, false, false},
		"CLICOLOR_0":                 {"auto", map[string]string{"CLICOLOR": "0"}, true, false},
		"dumb":                       {"auto", map[string]string{"TERM": "dumb"}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := &app{cfg: Config{Streams: Streams{OutTerminal: c.terminal}, Env: func(n string) string { return c.env[n] }}, flags: flags{color: c.flag}}
			if got := a.color(); got != c.want {
				t.Errorf("color %v, want %v", got, c.want)
			}
		})
	}
}

func TestASCII(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want bool
	}{
		"utf8":         {map[string]string{"LANG": "de_DE.UTF-8"}, false},
		"modifier":     {map[string]string{"LANG": "de_DE.utf8@euro"}, false},
		"posix":        {map[string]string{"LANG": "C"}, true},
		"nothing":      {nil, true},
		"LC_ALL_first": {map[string]string{"LC_ALL": "C", "LANG": "C.UTF-8"}, true},
		"LC_CTYPE":     {map[string]string{"LC_CTYPE": "C.UTF-8", "LANG": "C"}, false},
		"console":      {map[string]string{"LANG": "C.UTF-8", "TERM": "linux"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := &app{cfg: Config{Streams: Streams{OutTerminal: true}, Env: func(n string) string { return c.env[n] }}}
			if got := a.ascii(); got != c.want {
				t.Errorf("ascii %v, want %v", got, c.want)
			}
		})
	}
}

func TestSize(t *testing.T) {
	for name, c := range map[string]struct {
		columns  string
		terminal bool
		w, h     int // of the terminal
		wantW    int
		wantH    int
	}{
		"terminal":         {"200", true, 100, 30, 100, 30},
		"unknown_terminal": {"", true, 0, 0, 80, 0},
		"columns":          {"132", true, 0, 0, 132, 0},
		"pipe":             {"", false, 100, 30, 0, 0},
		"pipe_columns":     {"90", false, 100, 30, 90, 0},
		"tiny":             {"", true, 5, 3, 20, 3},
		"nonsense":         {"-3", true, 0, 0, 80, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a := &app{cfg: Config{
				Env:     func(string) string { return c.columns },
				Streams: Streams{OutTerminal: c.terminal, Size: func() (int, int) { return c.w, c.h }},
			}}
			if w, h := a.size(); w != c.wantW || h != c.wantH {
				t.Errorf("%d x %d, want %d x %d", w, h, c.wantW, c.wantH)
			}
		})
	}
}

func TestDidYouMean(t *testing.T) {
	words := []string{"status", "ls", "version", "capabilities"}
	for typed, want := range map[string]string{"lss": `did you mean "ls"?`, "sttaus": `did you mean "status"?`, "cap": `did you mean "capabilities"?`, "wombat": "else", "": "else"} {
		if got := didYouMean(typed, words, "else"); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}
