package netns

import "net"

// Device returns the index of a network interface in the namespace of the calling thread.
func Device(name string) (uint32, error) {
	device, err := net.InterfaceByName(name)
	if err != nil {
		return 0, &OpError{Op: "find interface", Path: name, Err: err}
	}
	return uint32(device.Index), nil
}
