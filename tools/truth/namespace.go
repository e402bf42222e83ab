package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/closewait/closewait/inetdiag"
	scenery "github.com/closewait/closewait/internal/stage"
	"github.com/closewait/closewait/tcp"
)

// namespace is a network namespace with settings of its own. It lives as long as the program.
type namespace struct {
	name    string
	network *scenery.Network
	mu      sync.Mutex
	conn    *inetdiag.Conn
}

// newNamespace makes a namespace with some sysctls below net.ipv4. Commands are arguments of ip(8).
func newNamespace(name string, sysctls map[string]int, commands []string) (*namespace, error) {
	network, err := scenery.Unshare()
	if err != nil {
		return nil, fmt.Errorf("namespace %s: %w", name, err)
	}
	ns := &namespace{name: name, network: network}
	return ns, ns.do(func() error { return ns.furnish(sysctls, commands) })
}

// do runs f inside the namespace.
func (ns *namespace) do(f func() error) error {
	var err error
	return errors.Join(ns.network.Do(func() { err = f() }), err)
}

func (ns *namespace) furnish(sysctls map[string]int, commands []string) error {
	for key, value := range sysctls {
		if err := writeSysctl(key, value); err != nil {
			return err
		}
	}
	if err := ip(commands...); err != nil {
		return err
	}
	var err error
	ns.conn, err = inetdiag.Open()
	return err
}

// get looks a single socket up.
func (ns *namespace) get(want, found *tcp.Socket) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return ns.conn.Get(context.Background(), want, 0, found)
}

// ip runs ip(8) in the namespace of the calling thread.
func ip(commands ...string) error {
	for _, command := range commands {
		if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", command, err, out)
		}
	}
	return nil
}

// writeSysctl acts in the namespace of the calling thread.
func writeSysctl(key string, value int) error {
	return os.WriteFile("/proc/sys/net/ipv4/"+key, fmt.Append(nil, value), 0)
}
