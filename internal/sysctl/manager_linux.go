package sysctl

import (
	"bytes"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/closewait/closewait/internal/look"
)

// Booter finds out which program gives settings their values when the host whose root this is boots: systemd-sysctl where systemd runs the host (sd_booted) and the program
// is not masked, "sysctl --system" where an init script of procps or OpenRC does. ok is false where neither can be seen, as in containers.
func Booter(root string) (l Loader, ok bool) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(dir)
	if exists(dir, "/run/systemd/system") {
		if masked(dir, "/etc/systemd/system/systemd-sysctl.service") || masked(dir, "/run/systemd/system/systemd-sysctl.service") {
			return 0, false
		}
		return Systemd, exists(dir, "/usr/lib/systemd/systemd-sysctl") || exists(dir, "/lib/systemd/systemd-sysctl")
	}
	init := exists(dir, "/run/openrc") && exists(dir, "/etc/init.d/sysctl") || exists(dir, "/run/initctl") && exists(dir, "/etc/init.d/procps")
	return Procps, init
}

func exists(root int, path string) bool {
	f, err := open(root, path, unix.O_PATH)
	if err == nil {
		_ = f.Close()
	}
	return err == nil
}

// masked reports whether a unit is a link to /dev/null or empty.
func masked(root int, path string) bool {
	f, err := open(root, path, unix.O_PATH)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	return err == nil && (!info.Mode().IsRegular() || info.Size() == 0)
}

// Managers finds programs that write settings, or the files of sysctl.d, by themselves: by the files they leave on a host below root.
func Managers(root string) []look.Manager {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(dir)
	var found []look.Manager
	if profile, err := readFile(dir, tunedProfile); err == nil && len(bytes.TrimSpace(profile)) > 0 {
		found = append(found, look.Manager{Name: "TuneD", Sign: tunedProfile, Detail: firstLine(profile)})
	}
	for _, m := range []look.Manager{
		{Name: "cloud-init", Sign: "/var/lib/cloud/instance"},
		{Name: "Puppet", Sign: "/opt/puppetlabs/puppet"},
		{Name: "Puppet", Sign: "/etc/puppet/puppet.conf"},
		{Name: "Chef", Sign: "/etc/chef/client.rb"},
		{Name: "Salt", Sign: "/etc/salt/minion"},
		{Name: "CFEngine", Sign: "/var/cfengine/inputs"},
		{Name: "Ansible", Sign: "/etc/ansible/facts.d"},
	} {
		if exists(dir, m.Sign) {
			found = append(found, m)
		}
	}
	return found
}

// tunedProfile is where TuneD keeps the name of the profile in force.
const tunedProfile = "/etc/tuned/active_profile"

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line
}

// generator names the program whose mark stands in the comments of a file: what is changed there is changed back.
func generator(text []byte) string {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] != '#' && line[0] != ';' {
			continue
		}
		for _, name := range []string{"Ansible", "Puppet", "Chef", "Salt", "CFEngine", "cloud-init", "TuneD"} {
			if bytes.Contains(bytes.ToLower(line), []byte(strings.ToLower(name))) {
				return name
			}
		}
	}
	return ""
}
