package tlv

import "fmt"

// HeaderLen returns the number of bytes that tag and length take in front of
// a value of n bytes.
func HeaderLen(tag Tag, n int) int {
	size := 2
	for tag > 0xFF {
		tag >>= 8
		size++
	}
	switch {
	case n > 0xFF:
		size += 2
	case n > 0x7F:
		size++
	}
	return size
}

// AppendHeader appends tag and length of a value of n bytes. A length out of
// range or a tag that Next would refuse is a mistake of the caller.
func AppendHeader(dst []byte, tag Tag, n int) []byte {
	if n < 0 || n > MaxLength || tag > 0xFFFFFF {
		panic(fmt.Sprintf("tlv: internal error: tag %v with %d bytes", tag, n))
	}
	if tag > 0xFFFF {
		dst = append(dst, byte(tag>>16))
	}
	if tag > 0xFF {
		dst = append(dst, byte(tag>>8)) // #nosec G115 -- one byte of the tag
	}
	dst = append(dst, byte(tag)) // #nosec G115 -- one byte of the tag
	switch {
	case n > 0xFF:
		return append(dst, 0x82, byte(n>>8), byte(n)) // #nosec G115 -- at most MaxLength
	case n > 0x7F:
		return append(dst, 0x81, byte(n))
	}
	return append(dst, byte(n))
}

// Append appends a data object whose value is the parts in a row.
func Append(dst []byte, tag Tag, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	dst = AppendHeader(dst, tag, n)
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return dst
}

// Make returns one data object whose value is the parts in a row.
func Make(tag Tag, parts ...[]byte) []byte { return Append(nil, tag, parts...) }
