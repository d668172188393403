//go:build !linux

package usb

// describe is for systems that do not tell of devices beside libusb.
func describe(place) (serial string, descriptors []byte) { return "", nil }

// holder is for systems that do not tell who has a device open.
func holder(string) string { return "" }
