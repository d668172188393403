package cvc

import (
	"fmt"
	"math/bits"
	"strings"
)

// Kind is a certificate's place in the chain.
type Kind uint8

// The kinds, as the two top bits of the first discretionary byte say.
const (
	KindTerminal Kind = 0b00 // a workstation
	KindFacility Kind = 0b10 // a hospital or clinic, signs its workstations
	KindAnchor   Kind = 0b11 // the programme, held by every card
)

// String returns the kind's lower-case name.
func (k Kind) String() string {
	switch k {
	case KindTerminal:
		return "terminal"
	case KindFacility:
		return "facility"
	case KindAnchor:
		return "anchor"
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Roles is a set of the roles that a person at a terminal can have.
type Roles uint8

// The roles.
const (
	RoleReceptionist Roles = 1 << iota
	RoleNurse
	RolePhysician
	RolePharmacist
	RoleLaboratory
	RoleEmergency
	RoleIssuer

	// AllRoles is every role.
	AllRoles = 1<<iota - 1
)

var roleNames = [...]string{"receptionist", "nurse", "physician", "pharmacist", "laboratory", "emergency", "issuer"}

// Single reports whether the set holds exactly one role.
func (r Roles) Single() bool { return r&^AllRoles == 0 && bits.OnesCount8(uint8(r)) == 1 }

// Has reports whether every role of other is in the set.
func (r Roles) Has(other Roles) bool { return r&other == other }

// String returns the names of the roles, comma separated.
func (r Roles) String() string { return names(uint64(r), roleNames[:]) }

// ParseRole returns the role of a name as String writes it. It owes ErrFormat.
func ParseRole(name string) (Roles, error) {
	for i, n := range roleNames {
		if n == name {
			return 1 << i, nil
		}
	}
	return 0, fmt.Errorf("role %q: %w", name, ErrFormat)
}

// Rights is a set of what a terminal may do beside reading.
type Rights uint16

// The rights.
const (
	RightAppend       Rights = 1 << iota // append entries
	RightWriteSummary                    // replace the emergency summary
	RightHostMatch                       // assert a finger match made on the host
	RightUnblock                         // reset a retry counter, unblock a card
	RightReceipt                         // sign that the centre holds a card's log; no terminal has it

	// AllRights is every right.
	AllRights = 1<<iota - 1
)

var rightNames = [...]string{"append", "write-summary", "host-match", "unblock", "receipt"}

// Has reports whether every right of other is in the set.
func (r Rights) Has(other Rights) bool { return r&other == other }

// String returns the names of the rights, comma separated.
func (r Rights) String() string { return names(uint64(r), rightNames[:]) }

func names(set uint64, all []string) string {
	var out []string
	for i, n := range all {
		if set>>i&1 == 1 {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ",")
}

// chatOID is 2.25.240881957286661956655582366404543682878: an arc made of one
// random UUID (ITU-T X.667), so that no registration is needed. It says that
// the discretionary data are those of [encodeCHAT].
var chatOID = []byte{
	0x69, 0x82, 0xea, 0xb8, 0x96, 0xdb, 0xc0, 0xe6, 0xca, 0xa4,
	0xad, 0x8a, 0xc0, 0xa5, 0xce, 0xc9, 0xda, 0xba, 0xb2, 0x3e,
}

// ChatOID is the dotted form of the object identifier of Dhamani's
// certificate holder authorization template.
const ChatOID = "2.25.240881957286661956655582366404543682878"

// encodeCHAT writes the discretionary data of a certificate holder
// authorization template (TR-03110 part 3, C.1.5):
//
//	byte 0  kk000000   kind
//	byte 1  0rrrrrrr   roles
//	byte 2  00000000 \ rights, big endian
//	byte 3  000rrrrr /
func encodeCHAT(k Kind, roles Roles, rights Rights) []byte {
	return []byte{byte(k) << 6, byte(roles), byte(rights >> 8), byte(rights)} // #nosec G115 -- the low byte
}

func decodeCHAT(b []byte) (Kind, Roles, Rights, error) {
	if len(b) != 4 {
		return 0, 0, 0, fmt.Errorf("authorization of %d bytes: %w", len(b), ErrFormat)
	}
	k, roles, rights := Kind(b[0]>>6), Roles(b[1]), Rights(b[2])<<8|Rights(b[3])
	if b[0]&0x3f != 0 || k == 0b01 || roles&^AllRoles != 0 || rights&^AllRights != 0 {
		return 0, 0, 0, fmt.Errorf("authorization sets unknown bits: %w", ErrFormat)
	}
	return k, roles, rights, nil
}
