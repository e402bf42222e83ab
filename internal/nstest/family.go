package nstest

import "github.com/closewait/closewait/internal/stage"

// Family is what a connection is made of.
type Family = stage.Family

// The three kinds of connection.
const (
	IPv4   = stage.IPv4   // IPv4 sockets
	IPv6   = stage.IPv6   // IPv6 sockets
	Mapped = stage.Mapped // IPv6 sockets carrying IPv4, with addresses like ::ffff:127.0.0.1
)

// Families returns all families.
func Families() []Family { return stage.Families() }
