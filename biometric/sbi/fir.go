package sbi

import (
	"encoding/binary"
	"image"
	"time"
)

// positions are the interface's names of fingers, as ISO/IEC 19794-4 numbers
// them.
var positions = map[string]byte{
	anyFinger: 0, "Right Thumb": 1, "Right IndexFinger": 2, "Right MiddleFinger": 3, "Right RingFinger": 4, "Right LittleFinger": 5,
	"Left Thumb": 6, "Left IndexFinger": 7, "Left MiddleFinger": 8, "Left RingFinger": 9, "Left LittleFinger": 10,
}

const (
	firHeader         = 16
	firRepresentation = 46 // with one quality block, before the pixels
)

// encodeFIR makes a finger image record of ISO/IEC 19794-4:2011 with one
// uncompressed image.
//
//	"FIR" 0 | "020" 0 | length 4 | representations 2 | certified 1 | positions 1
//	representation: length 4 | time 9 | technology 1 | vendor 2 | type 2 |
//	  quality blocks 1: score 1, vendor 2, algorithm 2 | position 1 | number 1 |
//	  units 1 | scan rate 2+2 | image rate 2+2 | depth 1 | compression 1 |
//	  impression 1 | width 2 | height 2 | length 4 | pixels
func encodeFIR(img *image.Gray, dpi int, position byte, score int, at time.Time) []byte {
	width, height := img.Rect.Dx(), img.Rect.Dy()
	pixels := width * height
	be := binary.BigEndian
	b := make([]byte, 0, firHeader+firRepresentation+pixels)
	b = append(b, "FIR\x00020\x00"...)
	b = be.AppendUint32(b, uint32(firHeader+firRepresentation+pixels)) //nolint:gosec // under a megabyte
	b = be.AppendUint16(b, 1)
	b = append(b, 0, 1)

	b = be.AppendUint32(b, uint32(firRepresentation+pixels)) //nolint:gosec // under a megabyte
	at = at.UTC()
	b = be.AppendUint16(b, uint16(at.Year()))                                                              //nolint:gosec // four digits
	b = append(b, byte(at.Month()), byte(at.Day()), byte(at.Hour()), byte(at.Minute()), byte(at.Second())) //nolint:gosec // a date
	b = be.AppendUint16(b, uint16(at.Nanosecond()/1e6))                                                    //nolint:gosec // under 1,000
	b = append(b, 0)                                                                                       // technology unknown
	b = be.AppendUint16(b, 0)
	b = be.AppendUint16(b, 0)
	b = append(b, 1, byte(score), 0, 0, 0, 0) //nolint:gosec // 0 to 100
	b = append(b, position, 1, 1)             // the first of this finger; pixels per inch
	for range 4 {
		b = be.AppendUint16(b, uint16(dpi)) //nolint:gosec // under 1,000
	}
	b = append(b, 8, 0, 0)                 // bits, uncompressed, live and plain
	b = be.AppendUint16(b, uint16(width))  //nolint:gosec // of a scanner
	b = be.AppendUint16(b, uint16(height)) //nolint:gosec // of a scanner
	b = be.AppendUint32(b, uint32(pixels)) //nolint:gosec // under a megabyte
	for y := range height {
		b = append(b, img.Pix[y*img.Stride:y*img.Stride+width]...)
	}
	return b
}
