package procfs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/procfs"
)

const (
	dockerPath = "var/lib/docker/containers/" + cid + "/config.v2.json"
	podPath    = "var/log/pods/shop_cart-7d4b9_" + uid + "/cart/0.log"
	podmanPath = "var/lib/containers/storage/overlay-containers/containers.json"
	taskPath   = "run/containerd/io.containerd.runtime.v2.task/k8s.io/" + cid + "/config.json"
	crioPath   = "run/containers/storage/overlay-containers/" + cid + "/userdata/config.json"

	podCgroup    = "/kubepods/burstable/pod" + uid + "/" + cid
	dockerCgroup = "/docker/" + cid
	annotated    = `{"ociVersion":"1.1.0","annotations":{"io.kubernetes.cri.sandbox-name":"web-0","io.kubernetes.cri.sandbox-namespace":"shop","io.kubernetes.cri.container-name":"web"}}`
)

func TestWorkload_names(t *testing.T) {
	for _, test := range []struct {
		name, cgroup, file, text, want, pod string
	}{
		{"docker", dockerCgroup, dockerPath, `{"ID":"x","Name":"/web-1"}`, "web-1", ""},
		{"docker-broken", dockerCgroup, dockerPath, `{"Name":`, short, ""},
		{"docker-too-large", dockerCgroup, dockerPath, `{"Name":"/web-1","x":"` + strings.Repeat("x", 2<<20) + `"}`, short, ""},
		{"docker-hostile-name", dockerCgroup, dockerPath, `{"Name":"/a\u001b[31m"}`, "a\x1b[31m", ""},
		{"no-file", dockerCgroup, "x", "", short, ""},
		{"unknown-runtime", "/default/" + cid, strings.Replace(taskPath, "k8s.io", "default", 1), `{"annotations":{"nerdctl/name":"db"}}`, "db", ""},
		{"podman", "/machine.slice/libpod-" + cid + ".scope", podmanPath, `[{"id":"y","names":["no"]},{"id":"` + cid + `","names":["db","alias"]}]`, "db", ""},
		{"podman-broken", "/machine.slice/libpod-" + cid + ".scope", podmanPath, `{}`, short, ""},
		{"pod-logs", podCgroup, podPath, "", "shop/cart-7d4b9", "shop/cart-7d4b9"},
		{"pod-other-logs", podCgroup, "var/log/pods/shop_cart_" + hash + "/x", "", uid, uid},
		{"pod-containerd", podCgroup, taskPath, annotated, "shop/web-0", "shop/web-0"},
		{"pod-crio", podCgroup, crioPath, `{"annotations":{"io.kubernetes.pod.name":"web-0","io.kubernetes.pod.namespace":"shop"}}`, "shop/web-0", "shop/web-0"},
		{"containerd", "/system.slice/cri-containerd-" + cid + ".scope", taskPath, annotated, "web", ""},
		{"unit", "/system.slice/nginx.service", dockerPath, `{"Name":"/web-1"}`, "nginx.service", ""},
		{"process", "/", dockerPath, `{"Name":"/web-1"}`, "p10", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, _ := fixture(t, map[int]fakeProcess{10: {files: map[string]string{"cgroup": "0::" + test.cgroup + "\n"}}})
			files := t.TempDir()
			write(t, files, map[string]string{test.file: test.text})
			p, err := f.WithFiles(files + "/").Process(10)
			if err != nil || p.Workload.Name != test.want || p.Workload.Pod != test.pod {
				t.Errorf("got %+v, %v; want %q", p.Workload, err, test.want)
			}
		})
	}
}

// TestWorkload_hostileFiles puts links and other things where a name should be.
func TestWorkload_hostileFiles(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, map[string]string{"config.v2.json": `{"Name":"/leaked"}`})
	for name, plant := range map[string]func(path string) error{
		"file-link": func(path string) error { return os.Symlink(secret+"/config.v2.json", path) },
		"fifo":      func(path string) error { return unix.Mkfifo(path, 0o644) },
		"directory": func(path string) error { return os.Mkdir(path, 0o755) },
		"directory-link": func(path string) error {
			_ = os.Remove(filepath.Dir(path))
			return os.Symlink(secret, filepath.Dir(path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := fixture(t, map[int]fakeProcess{10: {files: map[string]string{"cgroup": "0::" + dockerCgroup + "\n"}}})
			path := filepath.Join(t.TempDir(), dockerPath)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := plant(path); err != nil {
				t.Skip(err)
			}
			p, err := f.WithFiles(strings.TrimSuffix(path, "/"+dockerPath)).Process(10)
			if err != nil || p.Workload.Name != short {
				t.Errorf("got %+v, %v", p.Workload, err)
			}
		})
	}
}

func FuzzNames(f *testing.F) {
	f.Add([]byte(`{"ID":"x","Name":"/web-1"}`))
	f.Add([]byte(`[{"id":"y","names":["no"]},{"id":"x","names":[]}]`))
	f.Add([]byte(annotated))
	f.Add([]byte("shop_cart-7d4b9_" + uid))
	f.Fuzz(func(t *testing.T, b []byte) {
		procfs.ParseDockerName(b)
		procfs.ParsePodmanNames(b)
		if pod := procfs.PodAnnotation(b); pod != "" && !strings.Contains(pod, "/") {
			t.Fatalf("%q", pod)
		}
		if bytes.ContainsRune(b, '/') {
			return // no name of a directory
		}
		if uid, name, ok := procfs.SplitPodLog(string(b)); ok && strings.Replace(name, "/", "_", 1)+"_"+uid != string(b) {
			t.Fatalf("%q: %q %q", b, uid, name)
		}
	})
}
