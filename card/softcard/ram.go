package softcard

import (
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
)

// The card's working memory. Everything in it goes with the power.
const (
	ramSize    = 4084 // bytes
	maxCommand = 2400 // longest command put together from a chain
	maxAnswer  = maxBlock + 64
	// sessionRAM is what the rest of ram takes up on the card: two AES keys
	// and the counter (48), the host's point (32), the public key, references
	// and authority of a certificate (110), the challenge, flags.
	sessionRAM = 256
)

// A command that fills its buffer has a short answer and the reverse, so one
// buffer serves both; a finger is compared while its command is there. These do not compile when the buffers outgrow the RAM.
const (
	_ = uint(ramSize - sessionRAM - maxCommand)
	_ = uint(ramSize - sessionRAM - maxAnswer)
	_ = uint(ramSize - sessionRAM - maxCommand - matchRAM)
)

// ram is the working memory. The zero value is what stands in it at power-on.
type ram struct {
	selected bool   // the application is selected
	current  fileID // file that B0 and D6 mean by default

	chain    []byte  // data of the chain so far
	chainHdr [4]byte // header of its blocks, chaining bit clear
	chaining bool

	pending   []byte  // rest of the answer, for GET RESPONSE
	pendingSW apdu.SW // its status word; meant while pending is not empty

	chipAuth bool // MSE:Set AT named the key for GENERAL AUTHENTICATE
	session  session
}

// session is what Chip and Terminal Authentication have come to. It ends as a
// whole with secure messaging.
type session struct {
	sm        *sm.Session // nil: no secure messaging
	hostX     [32]byte    // x coordinate of the host's ephemeral key
	chain     cvc.Effective
	issuer    bool // MSE:Set DST named the issuer of the next certificate
	holder    bool // MSE:Set AT named the holder of the last certificate
	challenge []byte
	roles     cvc.Roles // exactly one after Terminal Authentication, else none
	rights    cvc.Rights

	terminal  string // holder reference of the terminal that has the role
	verified  uint16 // persons for whom somebody was verified, bit by number
	noted     uint16 // persons whose keys were given out, with a line for it
	sensitive uint16 // and those whose sensitive key was
	glass     bool   // the line of an emergency was written
	time      uint32 // the terminal's own time, seconds since 1970; 0: not told
}
