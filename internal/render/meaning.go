package render

// meanings says in a sentence what each code stands for, for findings that carry no evidence of their own.
var meanings = map[string]string{
	"CW101": "the peers closed; this process has not called close()",
	"CW102": "the peers closed or sent data; the program does not look at these sockets",
	"CW103": "the servers closed idle connections of a pool; the pool has not noticed yet",
	"CW104": "the connections wait in a listener's accept queue and nobody accepts them",
	"CW105": "the threads that would serve these sockets are all blocked",
	"CW106": "the thread that runs the event loop is busy or blocked elsewhere",
	"CW107": "a handler still works although its client has closed",
	"CW108": "one leg of a proxied connection is closed, the other is not",
	"CW109": "the descriptors were inherited; closing them in the first process does not close the connection",
	"CW110": "the connections are gone, their descriptors were never closed",
	"CW111": "the holder does not run, so it cannot close anything",
	"CW112": "no process that could be read holds them: in transit, in io_uring, or hidden",
	"CW113": "a part of the kernel opened them",
	"CW114": "something connects at regular intervals and sends nothing",
	"CW201": "data or a FIN is unacknowledged, is being sent again, and the peer answers nothing",
	"CW202": "the peer is alive and keeps its receive window at zero",
	"CW203": "packets of this host are dropped before they leave it",
	"CW204": "our FIN gets no answer",
	"CW205": "the program shut down its side; the peer does not close its own",
}

// shellSafe reports whether a name can stand in a command to paste without quoting.
func shellSafe(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' || c == '@' || c == ':' || c == '/') {
			return false
		}
	}
	return name != "" && name[0] != '-'
}
