package softcard

import (
	"fmt"
	"time"
)

// Link is the way in which the modelled card talks to its reader.
type Link uint8

const (
	// LinkContactless424 is ISO/IEC 14443-4 at 424 kbit/s.
	LinkContactless424 Link = iota
	// LinkContactless106 is ISO/IEC 14443-4 at 106 kbit/s.
	LinkContactless106
	// LinkContactless212 is ISO/IEC 14443-4 at 212 kbit/s.
	LinkContactless212
	// LinkContactless848 is ISO/IEC 14443-4 at 848 kbit/s.
	LinkContactless848
	// LinkT1 is ISO/IEC 7816-3 T=1 with F=372, D=12 at 4 MHz: 129 kbit/s.
	LinkT1
)

var linkNames = [...]string{"424 kbit/s", "106 kbit/s", "212 kbit/s", "848 kbit/s", "T=1"}

// String names the link.
func (l Link) String() string {
	if int(l) < len(linkNames) {
		return linkNames[l]
	}
	return "unknown link"
}

// linkFlags are the names of links on a command line.
var linkFlags = [...]string{"424k", "106k", "212k", "848k", "t1"}

// ParseLink finds a link by its short name: 106k, 212k, 424k, 848k or t1.
func ParseLink(name string) (Link, error) {
	for i, n := range linkFlags {
		if n == name {
			return Link(i), nil // #nosec G115 -- five of them
		}
	}
	return 0, fmt.Errorf("no link %q: it is 106k, 212k, 424k, 848k or t1", name)
}

// linkBits holds bits a second: 13.56 MHz through 128, 64, 32, 16 and, for
// contacts, 4 MHz x 12 / 372.
var linkBits = [...]float64{13.56e6 / 32, 13.56e6 / 128, 13.56e6 / 64, 13.56e6 / 16, 4e6 * 12 / 372}

const (
	blockContactless = 253 // information bytes in an ISO/IEC 14443-4 block of 256
	blockT1          = 254 // largest information field of T=1
	ackBits          = 29  // acknowledgement of a block, with its gaps
	turnaround       = 300 * time.Microsecond
)

// transfer returns how long n bytes take in one direction: without contacts
// each block of b bytes costs (b+3)*9+2 bits, 29 bits of acknowledgement and
// 0.3 ms of turnaround; with contacts (b+4)*11 + 44 + 44 etu.
func (l Link) transfer(n int) time.Duration {
	if int(l) >= len(linkBits) {
		l = LinkContactless424
	}
	bits, gaps := 0, time.Duration(0)
	for n > 0 {
		if l == LinkT1 {
			b := min(n, blockT1)
			bits += (b+4)*11 + 44 + 44
			n -= b
			continue
		}
		b := min(n, blockContactless)
		bits += (b+3)*9 + 2 + ackBits
		gaps += turnaround
		n -= b
	}
	return time.Duration(float64(bits)/linkBits[l]*float64(time.Second)) + gaps
}

// Published times of a J3R180 (Java Card algorithm test profiles).
const (
	timeKeyGen   = 26800 * time.Microsecond
	timeECDH     = 27900 * time.Microsecond // agreement and its initialisation
	timeVerify   = 30200 * time.Microsecond
	timeCMACInit = 6100 * time.Microsecond
	timeCMAC256  = 2100 * time.Microsecond
	timeAES256   = 1900 * time.Microsecond
	timeSHA256   = 7900 * time.Microsecond
)

// Time is what a session would have taken on the modelled card, apart from
// everything that the host does.
type Time struct {
	Link   time.Duration // on the wire or in the air, both directions
	Crypto time.Duration // in the cryptographic coprocessor
	NVM    time.Duration // writing non-volatile memory
	APDUs  int           // commands taken, each block of a chain and each GET RESPONSE
	Bytes  int           // bytes of commands and answers
}

// Total returns the sum of the three times.
func (t Time) Total() time.Duration { return t.Link + t.Crypto + t.NVM }

// meter adds up modelled time. The card's mutex guards it.
type meter struct {
	link Link
	time Time
}

// apdu counts a command and its answer.
func (m *meter) apdu(sent, received int) {
	m.time.APDUs++
	m.time.Bytes += sent + received
	m.time.Link += m.link.transfer(sent) + m.link.transfer(received)
}

func (m *meter) crypto(d time.Duration) { m.time.Crypto += d }

// cmac counts a message authentication code over n bytes. The card keeps one
// keyed object to verify and one to sign for a whole session, so the time to
// set them up is counted with Chip Authentication.
func (m *meter) cmac(n int) { m.crypto(scaled(timeCMAC256, n, 16)) }

// aes counts AES-CBC over n bytes.
func (m *meter) aes(n int) { m.crypto(scaled(timeAES256, n, 16)) }

// sha counts SHA-256 over n bytes.
func (m *meter) sha(n int) { m.crypto(scaled(timeSHA256, n+9, 64)) }

// scaled returns the time of n bytes, rounded up to whole cipher blocks, when
// 256 bytes take per256.
func scaled(per256 time.Duration, n, block int) time.Duration {
	n = (n + block - 1) / block * block
	return per256 * time.Duration(n) / 256
}
