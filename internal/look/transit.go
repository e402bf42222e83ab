package look

// Transit is what is known of sockets that no process has a descriptor of: those that wait in unix sockets to be received, and those that are registered with an io_uring.
type Transit struct {
	// Sought is true when somebody looked, Complete when the unix sockets of all processes could be asked.
	Sought, Complete bool
	// Waiting are the unix sockets with descriptors in them, of any kind.
	Waiting []Waiting
	// Registered are the sockets that rings have as files of their own, of any kind.
	Registered []Registered
}

// Registered is a socket that an io_uring has as one of its files, whether or not a descriptor refers to it as well.
type Registered struct {
	Ring  Holder
	Inode uint32
}

// Waiting is a unix socket in which descriptors wait to be received.
type Waiting struct {
	Receiver    Holder // one of those who have it
	Descriptors int
}

// Descriptors returns how many wait in all.
func (t *Transit) Descriptors() (n int) {
	for _, w := range t.Waiting {
		n += w.Descriptors
	}
	return n
}
