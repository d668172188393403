package tape

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// umockdev's ioctl tree, one transfer a line, deeper with every answer:
//
//	@DEV /dev/bus/usb/001/003
//	USBDEVFS_GET_CAPABILITIES 0 FD010000
//	USBDEVFS_REAPURBNDELAY 0 TYPE ENDPOINT STATUS FLAGS LENGTH ACTUAL ERRORS HEX
const (
	ioctlReap   = "USBDEVFS_REAPURBNDELAY"
	ioctlFields = 10
)

// parseIoctls reads the transfers of a tree that does not branch: a strict
// player has one way to go.
func parseIoctls(raw []byte) ([]step, error) {
	var steps []step
	id := uint64(0)
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != ioctlReap {
			if len(fields) == 0 || strings.HasPrefix(fields[0], "@DEV") || strings.HasPrefix(fields[0], "USBDEVFS_") {
				continue
			}
			return nil, fmt.Errorf("%w: line %.20q", ErrFormat, line)
		}
		id++
		submit, answer, err := parseReap(fields)
		if err != nil {
			return nil, fmt.Errorf("%w: transfer %d: %w", ErrFormat, id, err)
		}
		submit.id, answer.id = id, id
		if steps = append(steps, submit, answer); len(steps) > maxSteps {
			return nil, fmt.Errorf("%w: more than %d transfers", ErrFormat, maxSteps/2)
		}
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("%w: no transfers", ErrFormat)
	}
	return steps, nil
}

func parseReap(fields []string) (submit, answer step, err error) {
	if len(fields) < ioctlFields-1 || len(fields) > ioctlFields {
		return submit, answer, fmt.Errorf("%d fields", len(fields))
	}
	var n [ioctlFields - 2]int
	for i := range n {
		if n[i], err = strconv.Atoi(fields[i+1]); err != nil {
			return submit, answer, err
		}
	}
	kind, end, status, length, actual := n[1], n[2], n[3], n[5], n[6]
	var data []byte
	if len(fields) == ioctlFields {
		if data, err = hex.DecodeString(fields[9]); err != nil {
			return submit, answer, err
		}
	}
	// usbdevfs numbers kinds in its own way: 1 interrupt, 3 bulk.
	if (kind != kindInterrupt && kind != kindBulk) || end < 0 || end > 0xFF || actual > length || status > 0 {
		return submit, answer, fmt.Errorf("kind %d, endpoint %d, %d of %d bytes, status %d", kind, end, actual, length, status)
	}
	submit = step{bulk: true, ep: uint8(end), size: length}
	answer = step{bulk: true, ep: uint8(end), done: true, size: actual, status: int32(status)} //nolint:gosec // an errno
	into := &answer
	if end&0x80 == 0 {
		into = &submit
	}
	if into.data = data; len(data) != into.size {
		return submit, answer, fmt.Errorf("%d of %d bytes of data", len(data), into.size)
	}
	return submit, answer, nil
}
