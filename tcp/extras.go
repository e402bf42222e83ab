package tcp

// Extras keeps what many sockets say in [Extra] once for all that say the same, as those of one program do. The zero Extras is ready to use. It may be dropped while what it has kept is in use.
type Extras struct {
	last  *Extra
	known map[Extra]*Extra
}

// mostExtras bounds the map: where the memory of each socket was asked for, no two may be the same.
const mostExtras = 4096

// Keep returns an Extra that stays as it is, whatever becomes of the one it is given, and is not to be changed; nil for nil.
func (k *Extras) Keep(e *Extra) *Extra {
	switch {
	case e == nil:
		return nil
	case k.last != nil && *e == *k.last: // as a rule
		return k.last
	}
	kept, known := k.known[*e]
	if !known {
		kept = new(*e)
		if k.known == nil {
			k.known = map[Extra]*Extra{}
		}
		if len(k.known) < mostExtras {
			k.known[*kept] = kept
		}
	}
	k.last = kept
	return kept
}
