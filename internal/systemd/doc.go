// Package systemd asks the service manager of this host to run a program later (org.freedesktop.systemd1(5)).
package systemd
