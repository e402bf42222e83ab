package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/inetdiag"
	"github.com/closewait/closewait/internal/cli"
	"github.com/closewait/closewait/internal/nstest"
)

// offences are the system calls by which a program changes something beside its own memory, as strace -yy -x shows them.
var offences = map[string]*regexp.Regexp{
	"opens a file to write":      regexp.MustCompile(`^(open|openat|openat2|creat)\(.*(O_WRONLY|O_RDWR|O_CREAT|O_TRUNC)`),
	"touches a TCP socket":       regexp.MustCompile(`^(setsockopt|shutdown|bind|connect|listen|write|writev|sendto|sendmsg)\(\d+<TCP`),
	"destroys a socket":          regexp.MustCompile(`^(write|sendto|sendmsg)\(\d+<NETLINK:\[SOCK_DIAG.*(nlmsg_type=(SOCK_DESTROY|0x15)|"(\\x..){4}\\x15\\x00)`),
	"changes a directory":        regexp.MustCompile(`^(unlink|unlinkat|rename|renameat|renameat2|mkdir|mkdirat|link|linkat|symlink|symlinkat|chmod|fchmod|fchmodat|truncate|ftruncate|mount)\(`),
	"reaches for a process":      regexp.MustCompile(`^(kill|tkill|ptrace|process_vm_writev|pidfd_send_signal)\(`),
	"writes to what it was lent": regexp.MustCompile(`^(write|pwrite64)\(\d+</(proc|sys|etc|var)/`),
}

// audited are the calls that strace is to show.
const audited = "open,openat,?openat2,?creat,setsockopt,shutdown,bind,connect,listen,write,writev,pwrite64,sendto,sendmsg,?unlink,unlinkat,?rename,renameat,renameat2,?mkdir,mkdirat,?link,linkat,?symlink,symlinkat," +
	"?chmod,fchmod,fchmodat,truncate,ftruncate,mount,kill,tkill,ptrace,process_vm_writev,?pidfd_send_signal,?pidfd_getfd"

// audit runs the program under strace and returns the calls it made, and which of them change something.
func (h *host) audit(strace string, args ...string) (calls []string, found map[string][]string) {
	h.t.Helper()
	file := filepath.Join(h.t.TempDir(), "trace")
	cmd := h.command([]string{strace, "-f", "-qq", "-yy", "-x", "-s", "64", "-e", "signal=none", "-e", "trace=" + audited, "-o", file}, args...)
	cmd.Env = append(cmd.Env, "GODEBUG=asyncpreemptoff=1")                                                                   // the runtime would interrupt its own threads by tgkill
	if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState.ExitCode() != int(cli.Found) && args[0] != "check" { // whose codes are those of monitoring plugins
		h.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		h.t.Fatal(err)
	}
	found = map[string][]string{}
	for line := range strings.Lines(string(b)) {
		_, call, _ := strings.Cut(strings.TrimSpace(line), " ") // the thread
		call = strings.TrimSpace(call)
		calls = append(calls, call)
		for name, offence := range offences {
			if offence.MatchString(call) {
				found[name] = append(found[name], call)
			}
		}
	}
	return calls, found
}

// TestAudit_readVerbs: a verb that reads writes to no setting and no file, sets no option of anybody's socket, and destroys none, whatever it finds.
func TestAudit_readVerbs(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		nstest.Missing(t, "strace")
	}
	h := newHost(t)
	for _, scene := range []string{"close_wait_keepalive", "established_unacked", "dead_close_wait", "listen_full"} {
		nstest.Build(t, scene, nstest.Families()[0])
	}
	borrowed := false
	tried := map[string]bool{}
	for _, args := range [][]string{
		{"status"}, {"doctor"}, {"record", "-"}, {"ls", "-p"}, {"ls", "stuck"}, {"when", "--if", "tcp_retries2=3"}, {"report"}, {"show", "pid", fmt.Sprint(os.Getpid())}, {"tune"}, {"changes"},
		{"capabilities"}, {"explain", "tcp_retries2"}, {"check"}, {"schema"}, {"completion", "bash"}, {"man"}, {"version"}, {"help"}, {"lab", "list"},
		{"tune", "tcp_retries2=9", "-n"}, {"limit", "60s", "timer = retransmit", "--netns", strconv.Itoa(os.Getpid()), "-n"}, // that only plan
	} {
		tried[args[0]] = true
		calls, found := h.audit(strace, args...)
		if len(calls) == 0 {
			t.Errorf("%v: strace saw nothing", args)
		}
		for what, calls := range found {
			t.Errorf("%v %s: %s", args, what, calls[0])
		}
		borrowed = borrowed || strings.Contains(strings.Join(calls, "\n"), "pidfd_getfd(")
	}
	for line := range strings.Lines(h.run(0, "help")) {
		if group, verbs, _ := strings.Cut(line, " "); group == "Look" || group == "Keep" || group == "Meta" {
			for verb := range strings.SplitSeq(verbs, ",") {
				if name := strings.Fields(verb)[0]; !tried[name] {
					t.Errorf("%s reads, and was not audited", name)
				}
			}
		}
	}
	if !borrowed {
		t.Error("no verb asked a socket of another process, so that nothing was seen of what it does with one")
	}
}

// TestAudit_sees shows that the audit would see what it looks for.
func TestAudit_sees(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		nstest.Missing(t, "strace")
	}
	h := newHost(t)
	_, found := h.audit(strace, "tune", "tcp_retries2=9", "--persist", "--yes")
	if all := strings.Join(found["opens a file to write"], "\n"); !strings.Contains(all, "\"/proc/sys/net/ipv4/tcp_retries2\"") {
		t.Errorf("a setting is written unseen; seen was\n%s", all)
	}
	if len(found["changes a directory"]) == 0 || len(found["writes to what it was lent"]) == 0 {
		t.Errorf("the drop-in is written unseen: %v", found)
	}
	h.run(0, "undo", "--yes")
	_, found = h.audit(strace, offender)
	if len(found["touches a TCP socket"]) == 0 || len(found["destroys a socket"]) == 0 {
		t.Errorf("an option is set, or a socket destroyed, unseen: %v", found)
	}
}

// offender is the argument that makes the test binary do what no verb that reads may do: set an option of a socket, and destroy it.
const offender = "offend"

func offend() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	if err := unix.Listen(fd, 1); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 1); err != nil {
		return err
	}
	conn, err := inetdiag.Open()
	if err != nil {
		return err
	}
	defer conn.Close()
	sockets, _, err := conn.Sockets(context.Background(), inetdiag.Query{}, nil)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	for i := range sockets {
		if uint64(sockets[i].Inode) == st.Ino {
			return conn.Destroy(context.Background(), &sockets[i])
		}
	}
	return fmt.Errorf("its socket is not among %d", len(sockets))
}
