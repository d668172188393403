package usb

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// describe reads what the kernel knows of a device: its serial number and its
// descriptors. libusb would ask the device itself, and wait for one that does
// not answer.
func describe(at place) (serial string, descriptors []byte) {
	const devices = "/sys/bus/usb/devices"
	root := os.Getenv(mockVariable) + devices
	entries, err := os.ReadDir(root)
	if err != nil {
		return "", nil
	}
	for _, e := range entries {
		dir := filepath.Join(root, e.Name())
		if attribute(dir, "busnum") == strconv.Itoa(at.bus) && attribute(dir, "devnum") == strconv.Itoa(at.address) {
			descriptors, _ = os.ReadFile(filepath.Join(dir, "descriptors")) //nolint:gosec // the kernel's file; none is no error
			return attribute(dir, "serial"), descriptors
		}
	}
	return "", nil
}

func attribute(dir, name string) string {
	raw, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // the kernel's file
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(raw))
}

// services are programs that hold scanners and run as root, so that this one
// may not see what they have open.
var services = []string{"fprintd"}

// holder names the program that has a device open, where this one may see it,
// or a service that is known to hold scanners and runs.
func holder(node string) string {
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return ""
	}
	own := strconv.Itoa(os.Getpid())
	for _, link := range links {
		process := strings.Split(link, "/")[2]
		if process == own {
			continue
		}
		if to, err := os.Readlink(link); err == nil && to == node {
			return named(process)
		}
	}
	processes, _ := filepath.Glob("/proc/[0-9]*/comm") // the pattern is right
	for _, name := range processes {
		process := strings.Split(name, "/")[2]
		if slices.Contains(services, attribute(filepath.Join("/proc", process), "comm")) {
			return named(process) + ", it seems"
		}
	}
	return ""
}

// named is a process by name and number.
func named(process string) string {
	return fmt.Sprintf("%s (process %s)", attribute(filepath.Join("/proc", process), "comm"), process)
}
