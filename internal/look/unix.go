package look

// Unix is an established socket of a unix domain stream: what it is connected to, on the same host by its nature. The zero value is one of which nothing is known, or whose other end is gone.
type Unix struct {
	// Peer is the inode of the other end, 0 where nobody has accepted it.
	Peer uint32
	// Queued is true when the other end waits to be accepted.
	Queued bool
	// Connected is true when this end made the connection to Path, and somebody accepts or has accepted it.
	Connected bool
	// Path is the address of the end that was connected to, "@name" for an abstract one; "" for a pair that was made without (socketpair).
	Path string `redact:"path"`
	// Listener is the inode of the one socket that listens at Path, 0 where there is none in the namespace, or several.
	Listener uint32
	// Unread are the bytes that wait at the other end; not known of one that is queued.
	Unread uint32
}

// End is the inode of who has to answer: the other end, or the listener that is to accept it; 0 where neither is known.
func (u *Unix) End() uint32 {
	if u.Queued {
		return u.Listener
	}
	return u.Peer
}
