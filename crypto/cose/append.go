package cose

import "encoding/binary"

// The major types of RFC 8949 section 3.1 that are written by hand.
const (
	majorUint  = 0
	majorBytes = 2
	majorArray = 4
	majorMap   = 5
)

// AppendUint appends an unsigned integer in its shortest form.
func AppendUint(dst []byte, v uint64) []byte { return appendHead(dst, majorUint, v) }

// AppendBytes appends a byte string of definite length.
func AppendBytes(dst, b []byte) []byte {
	return append(appendHead(dst, majorBytes, uint64(len(b))), b...)
}

// AppendArray appends the head of an array of n elements.
func AppendArray(dst []byte, n int) []byte {
	return appendHead(dst, majorArray, uint64(n)) // #nosec G115 -- a length
}

// AppendMap appends the head of a map of n pairs.
func AppendMap(dst []byte, n int) []byte {
	return appendHead(dst, majorMap, uint64(n)) // #nosec G115 -- a length
}

func appendHead(dst []byte, major byte, arg uint64) []byte {
	m := major << 5
	switch {
	case arg < 24:
		return append(dst, m|byte(arg))
	case arg < 1<<8:
		return append(dst, m|24, byte(arg))
	case arg < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, m|25), uint16(arg))
	case arg < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, m|26), uint32(arg))
	}
	return binary.BigEndian.AppendUint64(append(dst, m|27), arg)
}
