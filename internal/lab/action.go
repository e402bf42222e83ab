package lab

// action is something that can be done about stuck sockets.
type action struct {
	name string
	// command is the verb with its arguments, but for the filter, which comes last where the verb takes one.
	command []string
	filter  bool
	// trial is the setting by which closewait foretells what the command will do, "" where the command ends sockets itself.
	trial string
}

var actions = [...]action{
	{"tune", []string{"tune", "tcp_retries2=3"}, false, "tcp_retries2=3"},
	{"limit", []string{"limit", "2s"}, true, "user_timeout=2s"},
	{"shutdown", []string{"close", "--how=shutdown"}, true, ""},
	{"destroy", []string{"close", "--how=destroy"}, true, ""},
}

// Actions returns the names of what can be done about the stuck sockets of a scene: the values of Settings.Act.
func Actions() []string {
	var names []string
	for _, a := range actions {
		names = append(names, a.name)
	}
	return names
}

func findAction(name string) (action, bool) {
	for _, a := range actions {
		if a.name == name {
			return a, true
		}
	}
	return action{}, false
}
