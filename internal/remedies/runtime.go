package remedies

import (
	"path"
	"strings"

	"github.com/closewait/closewait/internal/look"
)

// Runtime is what runs a program, or the kind of program where that tells more: the name of a file in bugs. "" is not recognised.
type Runtime string

// The runtimes.
const (
	Go         Runtime = "go"
	Java       Runtime = "java"
	Python     Runtime = "python"
	Node       Runtime = "node"
	PHP        Runtime = "php"
	Ruby       Runtime = "ruby"
	DotNet     Runtime = "dotnet"
	Libcurl    Runtime = "libcurl"
	Nginx      Runtime = "nginx"
	HAProxy    Runtime = "haproxy"
	Envoy      Runtime = "envoy"
	PostgreSQL Runtime = "postgresql"
	MySQL      Runtime = "mysql"
	Redis      Runtime = "redis"
	MongoDB    Runtime = "mongodb"
)

// Runtimes returns all of them.
func Runtimes() []Runtime {
	return []Runtime{Go, Java, Python, Node, PHP, Ruby, DotNet, Libcurl, Nginx, HAProxy, Envoy, PostgreSQL, MySQL, Redis, MongoDB}
}

// Database reports whether the program keeps other people's data: its processes get no signals.
func (r Runtime) Database() bool {
	return r == PostgreSQL || r == MySQL || r == Redis || r == MongoDB
}

// programs are the names of executables without their versions.
var programs = map[string]Runtime{
	"java": Java, "python": Python, "pypy": Python, "uwsgi": Python, "gunicorn": Python, "node": Node, "nodejs": Node, "php": PHP, "php-fpm": PHP, "php-cgi": PHP,
	"ruby": Ruby, "puma": Ruby, "dotnet": DotNet, "curl": Libcurl, "nginx": Nginx, "openresty": Nginx, "haproxy": HAProxy, "envoy": Envoy, "postgres": PostgreSQL,
	"postmaster": PostgreSQL, "mysqld": MySQL, "mariadbd": MySQL, "redis-server": Redis, "valkey-server": Redis, "mongod": MongoDB, "mongos": MongoDB,
}

// RuntimeOf recognises the runtime of a process. Its executable counts most: the names of processes and their arguments can be anything. They are asked where
// the executable may not be read, and where it is an interpreter's that this package does not know.
func RuntimeOf(p *look.Process) Runtime {
	if p == nil {
		return ""
	}
	if r, ok := programs[program(p.Exe)]; ok {
		return r
	}
	if p.Go {
		return Go
	}
	first, _, _ := strings.Cut(p.Cmdline, " ")
	title, _, _ := strings.Cut(first, ":") // "nginx: worker process", "postgres: main app"
	for _, name := range []string{title, p.Comm} {
		if r, ok := programs[program(name)]; ok {
			return r
		}
	}
	return ""
}

// program is the name of an executable without its folder and version: "python3.11", "php-fpm8.2", "ruby3.1".
func program(name string) string {
	if name == "" {
		return ""
	}
	return strings.TrimRight(path.Base(name), "0123456789.")
}
