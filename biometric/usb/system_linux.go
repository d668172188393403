package usb

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
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

// holder names the program that has a device open, where this one may see it.
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
			return fmt.Sprintf("%s (process %s)", attribute(filepath.Join("/proc", process), "comm"), process)
		}
	}
	return ""
}
