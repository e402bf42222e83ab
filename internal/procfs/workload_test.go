package procfs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/procfs"
)

const (
	cid      = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
	outer    = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	short    = "0f1e2d3c4b5a"
	uid      = "1a2b3c4d-0000-1111-2222-333344445555"
	uidUnder = "1a2b3c4d_0000_1111_2222_333344445555"
	hash     = "0123456789abcdef0123456789abcdef"
)

func unit(name string) look.Workload {
	return look.Workload{Name: name, Kind: look.KindUnit, Unit: name}
}

func contained(runtime string) look.Workload {
	return look.Workload{Name: short, Kind: look.KindContainer, ContainerID: cid, Runtime: runtime}
}

func inPod(uid, container, runtime string) look.Workload {
	return look.Workload{Name: uid, Kind: look.KindPod, ContainerID: container, Runtime: runtime, Pod: uid}
}

// paths are cgroup paths of hosts of all kinds, and what they say.
var paths = []struct {
	path string
	want look.Workload
}{
	// Nothing to be told.
	{"/", look.Workload{}},
	{"", look.Workload{}},
	{"/../..", look.Workload{}},
	{"/user.slice", look.Workload{}},
	{"/process_api/8b0a734a2aaf7d69b9cafaba63b19452", look.Workload{}},
	{"/.service", look.Workload{}},
	// systemd.
	{"/system.slice/nginx.service", unit("nginx.service")},
	{"/../../system.slice/nginx.service", unit("nginx.service")},
	{"/system.slice/system-postgresql.slice/postgresql@16-main.service", unit("postgresql@16-main.service")},
	{"/system.slice/foo.service/worker/3", unit("foo.service")},
	{"/init.scope", unit("init.scope")},
	{"/user.slice/user-1000.slice/session-3.scope", unit("session-3.scope")},
	{"/user.slice/user-1000.slice/user@1000.service/init.scope", unit("user@1000.service")},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service", unit("syncthing.service")},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/run-u42.scope", unit("run-u42.scope")},
	{"/system.slice/run-r0123456789abcdef0123456789abcdef.service", unit("run-r0123456789abcdef0123456789abcdef.service")},
	{"/system.slice/_cpu.service", unit("cpu.service")},
	{`/system.slice/system-my\x2dapp.slice/my\x2dapp@a.service`, look.Workload{Name: "my-app@a.service", Kind: look.KindUnit, Unit: `my\x2dapp@a.service`}},
	{`/system.slice/bell\x07.service`, unit(`bell\x07.service`)},
	// Docker.
	{"/docker/" + cid, contained("docker")},
	{"/system.slice/docker-" + cid + ".scope", contained("docker")},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" + cid + ".scope", contained("docker")},
	{"/docker/" + outer + "/docker/" + cid, contained("docker")},
	{"/docker/" + cid + "/system.slice/nginx.service", func() look.Workload { w := contained("docker"); w.Unit = "nginx.service"; return w }()},
	{"/system.slice/docker.service", unit("docker.service")},
	{"/docker/buildx", look.Workload{}},
	// containerd, CRI-O, podman.
	{"/system.slice/cri-containerd-" + cid + ".scope", contained("containerd")},
	{"/system.slice/nerdctl-" + cid + ".scope", contained("containerd")},
	{"/k8s.io/" + cid, contained("containerd")},
	{"/default/" + cid, contained("")},
	{"/machine.slice/libpod-" + cid + ".scope/container", contained("podman")},
	{"/machine.slice/libpod-conmon-" + cid + ".scope", unit("libpod-conmon-" + cid + ".scope")},
	{"/libpod_parent/libpod-" + cid, contained("podman")},
	{"/system.slice/web.service/libpod-payload-" + cid, func() look.Workload { w := contained("podman"); w.Unit = "web.service"; return w }()},
	{"/system.slice/web.service/runtime", unit("web.service")},
	// Kubernetes.
	{"/kubepods/burstable/pod" + uid + "/" + cid, inPod(uid, cid, "")},
	{"/kubepods/pod" + uid + "/crio-" + cid, inPod(uid, cid, "cri-o")},
	{"/kubepods/besteffort/pod" + hash + "/" + cid, inPod(hash, cid, "")},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + uidUnder + ".slice/cri-containerd-" + cid + ".scope", inPod(uid, cid, "containerd")},
	{"/kubepods.slice/kubepods-pod" + uidUnder + ".slice/crio-" + cid + ".scope", inPod(uid, cid, "cri-o")},
	{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + uidUnder + ".slice/crio-" + cid + ".scope/container", inPod(uid, cid, "cri-o")},
	{"/kubepods.slice/kubepods-pod" + uidUnder + ".slice/crio-conmon-" + cid + ".scope", func() look.Workload {
		w := inPod(uid, "", "")
		w.Unit = "crio-conmon-" + cid + ".scope"
		return w
	}()},
	{"/kubepods.slice/kubepods-pod" + uidUnder + ".slice/docker-" + cid + ".scope", inPod(uid, cid, "docker")},
	{"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod" + uidUnder + ".slice/cri-containerd-" + cid + ".scope", inPod(uid, cid, "containerd")},
	{"/system.slice/docker-" + outer + ".scope/kubelet/kubepods/burstable/pod" + uid + "/" + cid, inPod(uid, cid, "")},
	{"/docker/" + outer + "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + uidUnder + ".slice/cri-containerd-" + cid + ".scope", inPod(uid, cid, "containerd")},
	{"/system.slice/k3s.service/kubepods/besteffort/pod" + uid + "/" + cid, inPod(uid, cid, "")},
	{"/system.slice/containerd.service/kubepods-burstable-pod" + uidUnder + ".slice:cri-containerd:" + cid, inPod(uid, cid, "containerd")},
	{"/kubepods/burstable/pod" + uid + "/" + outer + "/docker/" + cid, inPod(uid, cid, "docker")},
	{"/kubepods/burstable/podnonsense/x", look.Workload{}},
	{"/pod" + uid, look.Workload{}},
	{"/kubepods/burstable", look.Workload{}},
}

func TestWorkloadOf(t *testing.T) {
	for _, test := range paths {
		test.want.Cgroup = test.path
		if diff := cmp.Diff(test.want, procfs.WorkloadOf(test.path)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", test.path, diff)
		}
	}
}

func FuzzWorkloadOf(f *testing.F) {
	if len(paths) == 0 {
		f.Fatal("no seeds")
	}
	for _, p := range paths {
		f.Add(p.path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		w := procfs.WorkloadOf(path)
		if (w.Name == "") != (w.Kind == look.KindProcess) || w.Cgroup != path {
			t.Fatalf("%q: %+v", path, w)
		}
		for _, part := range []string{w.ContainerID, strings.ReplaceAll(w.Pod, "-", "_"), w.Unit} {
			if !strings.Contains(strings.ReplaceAll(path, "-", "_"), strings.ReplaceAll(part, "-", "_")) {
				t.Fatalf("%q is not in %q", part, path)
			}
		}
		if strings.Contains(w.ContainerID, "/") || strings.Contains(w.Pod, "/") { // they become parts of paths
			t.Fatalf("%q: %+v", path, w)
		}
		// What contains something known does not matter.
		if inner := procfs.WorkloadOf("/docker/" + outer + "/" + path); w.Kind == look.KindPod && !strings.HasPrefix(path, "kube") && inner.Pod != w.Pod {
			t.Fatalf("%q: %+v inside a container", path, inner)
		}
	})
}

func TestWorkloadOfAll(t *testing.T) {
	for _, test := range []struct{ name, text, kind, unit, id string }{
		{"version-2", "0::/system.slice/nginx.service\n", "unit", "nginx.service", ""},
		{"hybrid", "2:cpu,cpuacct:/other.slice\n1:name=systemd:/system.slice/nginx.service\n0::/system.slice/ssh.service\n", "unit", "ssh.service", ""},
		{"hybrid-version-2-unused", "1:name=systemd:/system.slice/nginx.service\n0::/\n", "unit", "nginx.service", ""},
		{"controller-knows-more", "4:memory:/docker/" + cid + "\n1:name=systemd:/system.slice/nginx.service\n0::/\n", "container", "", cid},
		{"sandbox", sandboxCgroup, "process", "", ""},
		{"deleted", "0::/docker/" + cid + " (deleted)\n", "container", "", cid},
		{"colons", "0::/a:b/nginx.service\n", "unit", "nginx.service", ""},
		{"nonsense", "\nx\n1:2\n-1::/a.service\n0::a.service\n:::\n", "process", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := procfs.ParseCgroup(strings.NewReader(test.text))
			if err != nil {
				t.Fatal(err)
			}
			w := procfs.WorkloadOfAll(list)
			if w.Kind.String() != test.kind || w.Unit != test.unit || w.ContainerID != test.id {
				t.Errorf("got %+v", w)
			}
		})
	}
}

const sandboxCgroup = "9:name=systemd:/\n8:pids:/\n4:memory:/process_api/8b0a734a2aaf7d69b9cafaba63b19452\n1:cpu:/\n0::/\n"

func TestParseCgroup(t *testing.T) {
	got, err := procfs.ParseCgroup(strings.NewReader("12:cpu,cpuacct:/a:b\n1:name=systemd:/\n0::/c (deleted)\n"))
	want := []procfs.Cgroup{{12, "cpu,cpuacct", "/a:b"}, {1, "name=systemd", "/"}, {0, "", "/c"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func FuzzParseCgroup(f *testing.F) {
	for _, s := range []string{sandboxCgroup, "0::/system.slice/nginx.service\n", "12:cpu,cpuacct:/a:b\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, _ := procfs.ParseCgroup(strings.NewReader(text))
		for _, c := range list {
			if c.Path[0] != '/' || strings.Contains(c.Controllers, ":") || !strings.Contains(text, c.Controllers+":"+c.Path) {
				t.Fatalf("%+v from %q", c, text)
			}
		}
		procfs.WorkloadOfAll(list)
	})
}

func FuzzUnescape(f *testing.F) {
	for _, s := range []string{`my\x2dapp`, `\x`, `\xzz`, `\x07`, `\xff`, `plain`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := procfs.Unescape(s); len(got) > len(s) || strings.ContainsRune(got, '\x1b') && !strings.ContainsRune(s, '\x1b') {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
