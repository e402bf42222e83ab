package scenes

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	_ "github.com/closewait/closewait/internal/cli" // the program that is judged is built of it: go test would not know else that results of another are none of this one
)

const (
	roleEnv = "CLOSEWAIT_SCENES_ROLE" // what this binary is when it is no test: one of goPrograms
	dirEnv  = "CLOSEWAIT_SCENES_DIR"  // a directory that every user may read, for the length of the run
	toolEnv = "CLOSEWAIT_SCENES_TOOL" // the program to judge, for whoever wants to judge another than the one of this tree
	// together is how many scenes are up at once. They mostly wait for sockets to grow old.
	together = "12"
)

func TestMain(m *testing.M) {
	// Scenes move threads into their namespaces and give them up afterwards; the main thread cannot be given up.
	runtime.LockOSThread()
	if role := os.Getenv(roleEnv); role != "" {
		goPrograms()[role](os.Args[1:])
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "closewait-scenes-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.Chmod(dir, 0o755)
	}
	for name, value := range map[string]string{dirEnv: dir, "CLOSEWAIT_SCENES_SELF": os.Args[0]} {
		if err == nil {
			err = os.Setenv(name, value)
		}
	}
	if err == nil {
		err = flag.Set("test.parallel", together)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scenes:", err)
		return 1
	}
	return m.Run()
}

// tool is the program under test, built once.
var tool = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(toolEnv); path != "" {
		return path, nil
	}
	path := filepath.Join(os.Getenv(dirEnv), "closewait")
	out, err := exec.Command("go", "build", "-o", path, "../../cmd/closewait").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build closewait: %w\n%s", err, out)
	}
	return path, err
})

// goPrograms are the programs this binary can be: the first process of a place, and Go servers and clients of scenes.
func goPrograms() map[string]func([]string) {
	return map[string]func([]string){"first": first, "leak": leak, "never_accepts": neverAccepts, "relay": relay, "bodies": bodies, "web": web, "ring": ring}
}

// first is process 1 of a place. Whoever is left over when its parent has ended becomes its child, and the kernel ends all of them with it.
func first([]string) {
	children := make(chan os.Signal, 1)
	signal.Notify(children, unix.SIGCHLD)
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		fmt.Printf("%v: %s\n", err, out)
		return
	}
	fmt.Println("ready")
	for range children {
		for {
			if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 && err != unix.EINTR {
				break
			}
		}
	}
}
