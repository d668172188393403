package apdu

import "fmt"

// SW is the status word that ends every response (ISO/IEC 7816-4 5.6).
type SW uint16

// Status words that the application uses, under the standard's names.
const (
	SWOK                  SW = 0x9000 // normal processing
	SWEndOfFile           SW = 0x6282 // end of file reached before Ne bytes were read
	SWDeactivated         SW = 0x6283 // selected file or application deactivated
	SWTerminated          SW = 0x6285 // selected file or application in termination state
	SWMemoryFailure       SW = 0x6581 // memory failure
	SWWrongLength         SW = 0x6700 // wrong length
	SWLastChainExpected   SW = 0x6883 // last command of the chain expected
	SWChainingUnsupported SW = 0x6884 // command chaining not supported
	SWSecurityStatus      SW = 0x6982 // security status not satisfied
	SWMethodBlocked       SW = 0x6983 // authentication method blocked
	SWConditions          SW = 0x6985 // conditions of use not satisfied
	SWSMMissing           SW = 0x6987 // expected secure messaging objects missing
	SWSMIncorrect         SW = 0x6988 // incorrect secure messaging objects
	SWWrongData           SW = 0x6A80 // incorrect parameters in the command data field
	SWFileNotFound        SW = 0x6A82 // file or application not found
	SWNoSpace             SW = 0x6A84 // not enough memory space
	SWWrongP1P2           SW = 0x6A86 // incorrect parameters P1-P2
	SWReferenceNotFound   SW = 0x6A88 // referenced data not found
	SWWrongOffset         SW = 0x6B00 // offset outside the file
	SWWrongINS            SW = 0x6D00 // instruction not supported
	SWWrongClass          SW = 0x6E00 // class not supported

	swMore      SW = 0x6100 // xx more bytes available
	swTries     SW = 0x63C0 // verification failed, x more tries
	swCorrectLe SW = 0x6C00 // wrong Le; xx bytes available
)

// More reports whether the card holds more response bytes (61xx), and how
// many at least; 256 stands for "256 or more".
func (sw SW) More() (n int, ok bool) { return neOf(int(sw&0xFF), MaxShortNe), sw&0xFF00 == swMore }

// CorrectNe reports whether the card asks for the same command with another
// Ne (6Cxx), and with which.
func (sw SW) CorrectNe() (n int, ok bool) {
	return neOf(int(sw&0xFF), MaxShortNe), sw&0xFF00 == swCorrectLe
}

// Tries reports whether a verification failed (63Cx), and how many tries are
// left.
func (sw SW) Tries() (n int, ok bool) { return int(sw & 0xF), sw&0xFFF0 == swTries }

// SWTries returns the 63Cx that leaves n tries, 15 at most.
func SWTries(n int) SW {
	return swTries | SW(min(n, 15)&0xF) // #nosec G115 -- four bits
}

// SWMore returns the 61xx that announces n more bytes, n above 0.
func SWMore(n int) SW {
	if n >= MaxShortNe {
		return swMore
	}
	return swMore | SW(n&0xFF) // #nosec G115 -- one byte
}

// Bytes returns SW1 SW2.
func (sw SW) Bytes() [2]byte { return [2]byte{byte(sw >> 8), byte(sw)} } // #nosec G115 -- two halves

// String returns four hexadecimal digits.
func (sw SW) String() string { return fmt.Sprintf("%04X", uint16(sw)) }

// Response is one response APDU: data, then the status word.
type Response struct {
	Data []byte
	SW   SW
}

// ParseResponse reads a response; Data is a part of raw. It owes ErrLength
// for fewer than two bytes.
func ParseResponse(raw []byte) (Response, error) {
	n := len(raw) - 2
	if n < 0 {
		return Response{}, fmt.Errorf("parse response of %d bytes: %w", len(raw), ErrLength)
	}
	return Response{Data: raw[:n:n], SW: SW(raw[n])<<8 | SW(raw[n+1])}, nil
}

// Encode returns the response's bytes in a new slice.
func (r Response) Encode() []byte {
	out := make([]byte, 0, len(r.Data)+2)
	out = append(out, r.Data...)
	sw := r.SW.Bytes()
	return append(out, sw[0], sw[1])
}

// GetResponse is the command that fetches n further bytes after a 61xx
// (ISO/IEC 7816-4 11.5.1). It always travels in plain: what it fetches is
// part of a response that is protected as a whole.
func GetResponse(n int) Command {
	return Command{CLA: 0x00, INS: 0xC0, Ne: min(n, MaxShortNe)}
}
