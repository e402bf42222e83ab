package scenes

import (
	"testing"
)

// forgetful is a web server that closes connections which were idle for two seconds.
func (p *place) forgetful() {
	p.t.Helper()
	p.file("index.html", "hello\n")
	p.nginx("keepalive_timeout 2s; server { listen 127.0.0.1:8000; root " + p.dir + "; }")
	p.listening(8000)
}

// TestClient: servers have closed connections that clients keep.
func TestClient(t *testing.T) {
	play(t, map[string]scene{
		"pools": func(p *place) []want { // of a bounded number of connections, for use again
			p.forgetful()
			p.postgres()
			p.listening(5432)
			python, ruby := p.start("pool.py", "bounded"), p.start("pool.rb", "5")
			python.said("ready")
			ruby.said("ready")
			psql := p.start("psql", "-h", "127.0.0.1", "-U", "me", "options=-cidle_session_timeout=1s dbname=postgres")
			p.await("14 closed by their servers", func(t table) bool { return len(t.to(8000, closeWait)) == 13 && len(t.to(5432, closeWait)) == 1 })
			return []want{
				{code: "CW103", severity: "info", count: 8, pids: []int{python.pid}, role: "client", ends: "never"},
				{code: "CW103", severity: "info", count: 5, pids: []int{ruby.pid}, role: "client", ends: "never|unknown"},
				{code: "CW102|CW103", severity: "info", count: 1, pids: []int{psql.pid}, role: "client", ends: "never|unknown|at"},
			}
		},
		"workers": func(p *place) []want { // with a pool each
			p.forgetful()
			g := p.start("pool.py", "workers")
			p.await("12 closed", func(t table) bool { return len(t.to(8000, closeWait)) == 12 })
			return []want{{code: "CW103", severity: "info", count: 12, pids: g.children(12), role: "client", ends: "never"}}
		},
		"threads": func(p *place) []want { // with a connection each
			p.forgetful()
			g := p.start("pool.py", "threads")
			p.await("12 closed", func(t table) bool { return len(t.to(8000, closeWait)) == 12 })
			return []want{{code: "CW103", severity: "info", count: 12, pids: []int{g.pid}, role: "client", ends: "never"}}
		},
		"growing": func(p *place) []want { // a pool for each request
			p.forgetful()
			g := p.start("pool.py", "growing")
			p.await("many", func(t table) bool { return len(t.to(8000, closeWait)) > 15 })
			return []want{{code: "CW101", severity: "warning", atLeast: 15, pids: []int{g.pid}, role: "client", ends: "never"}}
		},
		"go bodies": func(p *place) []want { // each answer is left open, so each request makes a connection although others are idle
			p.forgetful()
			g := p.start("go:bodies", "http://127.0.0.1:8000/", "15")
			p.await("15 closed", func(t table) bool { return len(t.to(8000, closeWait)) == 15 })
			return []want{{code: "CW101", severity: "warning", count: 15, pids: []int{g.pid}, role: "client", ends: "unknown|at"}}
		},
	})
}
