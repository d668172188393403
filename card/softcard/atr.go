package softcard

import "slices"

// historical are the historical bytes of both answers to reset, in the
// compact-TLV form of ISO/IEC 7816-4:2020, 12.1.1.
var historical = []byte{
	0x80,                     // category: compact-TLV objects follow, no status
	0x54, 'D', 'H', 'M', 'N', // card issuer's data, 4 bytes
	0x73, // card capabilities, 3 bytes:
	0x84, //   selection by full name and by short file identifier
	0x21, //   proprietary writes, data unit of one byte
	0x80, //   command chaining, no extended length
}

// extendedLengths is the bit of the last capabilities byte that says that the
// card takes extended Lc and Le (ISO/IEC 7816-4:2020, 12.1.1.9).
const extendedLengths = 0x40

// ContactlessATR returns the answer to reset that a PC/SC reader makes up for
// a card of short lengths in its field (PC/SC part 3, 3.1.3.2.3.1).
func ContactlessATR() []byte { return contactlessATR(false) }

func contactlessATR(extended bool) []byte {
	return withTCK(extended,
		0x3B,       // TS: direct convention
		0x8A,       // T0: TD1 follows, 10 historical bytes
		0x80, 0x01, // TD1: T=0, TD2 follows; TD2: T=1
	)
}

// ContactATR returns the answer to reset of a card of short lengths behind
// contacts: T=1 only (ISO/IEC 7816-3, 8.2).
func ContactATR() []byte { return contactATR(false) }

func contactATR(extended bool) []byte {
	return withTCK(extended,
		0x3B,       // TS: direct convention
		0x9A,       // T0: TA1 and TD1 follow, 10 historical bytes
		0x18,       // TA1: F=372, D=12
		0x81, 0x31, // TD1: T=1, TD2 follows; TD2: T=1, TA3 and TB3 follow
		0xFE, // TA3: the card takes blocks of 254 bytes
		0x45, // TB3: block waiting time 4, character waiting time 5
	)
}

// t0ATR returns the answer to reset of a card behind contacts that speaks T=0
// only: no interface bytes, and so no TCK (ISO/IEC 7816-3, 8.2).
func t0ATR() []byte { return slices.Concat([]byte{0x3B, 0x0A}, historical) }

// withTCK appends the historical bytes and the check byte TCK, the exclusive
// or of everything after TS.
func withTCK(extended bool, head ...byte) []byte {
	atr := slices.Concat(head, historical)
	if extended {
		atr[len(atr)-1] |= extendedLengths
	}
	var tck byte
	for _, b := range atr[1:] {
		tck ^= b
	}
	return append(atr, tck)
}
