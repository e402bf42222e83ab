package scenes

import (
	"fmt"
	"os"
	"path/filepath"
)

// Real servers, configured for a place: they run in the foreground, write only into the place's directory and listen on 127.0.0.1.

// nginx starts nginx with one worker; inside is what stands in its http block.
func (p *place) nginx(inside string) *program {
	p.t.Helper()
	conf := p.file("nginx.conf", fmt.Sprintf(`daemon off; master_process on; worker_processes 1; user nobody nogroup; pid %[1]s/nginx.pid; error_log stderr;
include /etc/nginx/modules-enabled/*.conf;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	%[2]s
}
`, p.dir, inside))
	return p.start("nginx", "-c", conf)
}

// haproxy starts haproxy with one thread.
func (p *place) haproxy(inside string) *program {
	p.t.Helper()
	return p.start("haproxy", "-db", "-q", "-f", p.file("haproxy.cfg", "global\n\tnbthread 1\n\tmaxconn 100\n"+inside))
}

// apacheProxy makes Apache httpd ask port 9000 for everything.
const apacheProxy = `
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
ProxyPass "/" "http://127.0.0.1:9000/"
`

// apache starts Apache httpd with processes that serve one connection each.
func (p *place) apache(port, workers int, inside string) *program {
	p.t.Helper()
	p.file("index.html", "hello\n")
	return p.start("apache2", "-DFOREGROUND", "-d", p.dir, "-f", p.file("apache.conf", fmt.Sprintf(`
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
Mutex posixsem
ServerName a
Listen 127.0.0.1:%d
PidFile %s/apache.pid
ErrorLog /dev/stderr
DocumentRoot %[2]s
User nobody
Group nogroup
StartServers %[3]d
MinSpareServers 1
MaxSpareServers %[3]d
ServerLimit %[3]d
MaxRequestWorkers %[3]d
%[4]s
`, port, p.dir, workers, inside)))
}

func (p *place) lighttpd(port int) *program {
	p.t.Helper()
	return p.start("lighttpd", "-D", "-f", p.file("lighttpd.conf", fmt.Sprintf(`
server.port = %d
server.bind = "127.0.0.1"
server.document-root = "%s"
server.errorlog = "/dev/stderr"
`, port, p.dir)))
}

// gunicorn serves the application of testdata/app.py.
func (p *place) gunicorn(port int, args ...string) *program {
	p.t.Helper()
	fixed := []string{"--chdir", testdata(p), "--worker-tmp-dir", p.dir, "-t", "300", "-b", fmt.Sprintf("127.0.0.1:%d", port)}
	return p.start("gunicorn", append(append(fixed, args...), "app:app")...)
}

func (p *place) redis(port int) *program {
	p.t.Helper()
	return p.start("redis-server", "--bind", "127.0.0.1", "--port", fmt.Sprint(port), "--save", "", "--enable-debug-command", "yes", "--dir", p.dir)
}

// phpFPM serves the scripts of testdata with so many processes.
func (p *place) phpFPM(port, processes int) *program {
	p.t.Helper()
	return p.start("php-fpm*", "-F", "-R", "-n", "-y", p.file("fpm.conf", fmt.Sprintf(`[global]
error_log = /dev/stderr
[www]
user = nobody
group = nogroup
listen = 127.0.0.1:%d
pm = static
pm.max_children = %d
`, port, processes)))
}

// puma serves testdata/app.ru.
func (p *place) puma(port, threads int) *program {
	p.t.Helper()
	return p.start("puma", "-q", "-C", "-", "-t", fmt.Sprintf("%d:%[1]d", threads), "-b", fmt.Sprintf("tcp://127.0.0.1:%d", port), filepath.Join(testdata(p), "app.ru"))
}

// postgres makes a database cluster and starts its server, which refuses to run as root.
func (p *place) postgres() *program {
	p.t.Helper()
	bin := filepath.Dir(p.path("/usr/lib/postgresql/*/bin/postgres"))
	data := filepath.Join(p.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Chown(data, 65534, 65534); err != nil {
		p.t.Fatal(err)
	}
	nobody := []string{"--reuid", "65534", "--regid", "65534", "--clear-groups"}
	p.run("setpriv", append(nobody, bin+"/initdb", "-D", data, "-A", "trust", "-U", "me", "--no-sync", "--no-instructions", "--locale", "C")...)
	return p.exec(nil, append(append([]string{p.path("setpriv")}, nobody...), bin+"/postgres", "-D", data, "-k", "", "-c", "listen_addresses=127.0.0.1",
		"-c", "fsync=off", "-c", "autovacuum=off", "-c", "max_parallel_workers_per_gather=0", "-c", "jit=off"))
}

func testdata(p *place) string {
	p.t.Helper()
	path, err := filepath.Abs("testdata")
	if err != nil {
		p.t.Fatal(err)
	}
	return path
}
