package remedies

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
)

// server is how a database's own tool is told which server it shall talk to.
type server struct {
	host, port string
	usual      uint16 // the port it takes by itself
}

var servers = map[string]server{
	"psql": {"-h", "-p", 5432}, "mysql": {"-h", "-P", 3306}, "mysqladmin": {"-h", "-P", 3306}, "redis-cli": {"-h", "-p", 6379}, "mongosh": {"--host", "--port", 27017},
}

// ask makes a command for a database's own tool talk to the server of this finding. By itself the tool takes the one at the usual place of this host, which may be another: where the finding's
// is in another network or has another port, the command says so.
func (c *Case) ask(command string) string {
	tool, rest, _ := strings.Cut(command, " ")
	s, known := servers[tool]
	l := c.listening()
	if !known || l == nil || c.here() && l.Port == s.usual {
		return c.within(command)
	}
	host := "127.0.0.1"
	if addr, err := netip.ParseAddr(l.Address); err == nil && !addr.IsUnspecified() {
		host = addr.Unmap().String()
	}
	return c.within(strings.Join([]string{tool, s.host, host, s.port, strconv.Itoa(int(l.Port)), rest}, " "))
}

// listening is where the holders' clients connect, nil where that is not known.
func (c *Case) listening() *report.Endpoint {
	switch {
	case c.Victims.Listener != nil:
		return c.Victims.Listener
	case c.is("server"):
		return c.Local
	}
	return nil
}

// here reports whether the finding is in the host's own network.
func (c *Case) here() bool { return c.Netns == nil || c.Netns.Name != nil && *c.Netns.Name == "host" }

// inner is the number of a process where it runs, for a command in double quotes: another than this host's, perhaps, in a container.
func (c *Case) inner(pid string) string {
	contained := len(c.holders) > 0 && (c.holders[0].Workload.Kind == look.KindContainer || c.holders[0].Workload.Kind == look.KindPod)
	if c.here() && !contained {
		return pid
	}
	return "$(awk '/^NSpid:/ {print $NF}' /proc/" + pid + "/status)"
}
