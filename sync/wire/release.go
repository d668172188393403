package wire

import (
	"crypto"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/cose"
	"github.com/dhamani-iq/dhamani/record"
)

// ProofPhoto says how an operator knew a patient who is there without the card:
// compared with the staff's own eyes against the photo.
const ProofPhoto = "photo"

// Why a card is not there.
const (
	ReasonForgotten = "forgotten"
	ReasonLost      = "lost"
	ReasonBroken    = "broken"
	ReasonEmergency = "emergency"
)

// ReleaseSkew is how far the time of a release order may lie from the centre's.
const ReleaseSkew = 5 * time.Minute

// lenReleaseInfo is that of the fixed part of a release's context.
const lenReleaseInfo = len(releaseInfo) + sha256.Size + 8

const (
	releaseAAD  = "dhamani release order v1"
	releaseInfo = "dhamani release v1"
)

// CheckReason reports whether a reason is one of the list.
func CheckReason(reason string) bool {
	switch reason {
	case ReasonForgotten, ReasonLost, ReasonBroken, ReasonEmergency:
		return true
	}
	return false
}

// CheckProof reports whether a proof is one of the list.
func CheckProof(proof string) bool { return proof == ProofPhoto }

// ReleaseOrder is what an operator signs to be given one person's section keys
// for one visit: COSE_Sign1 by the author key, its key identifier in the
// header, with the additional data "dhamani release order v1", over
//
//	{1: patient bstr .size 8, 2: person uint, 3: proof tstr, 4: reason tstr,
//	 5: time uint (POSIX seconds), 6: facility uint, 7: fresh key bstr .size 65}
type ReleaseOrder struct {
	Patient  record.PatientID `cbor:"1,keyasint"`
	Person   uint8            `cbor:"2,keyasint"`
	Proof    string           `cbor:"3,keyasint"`
	Reason   string           `cbor:"4,keyasint"`
	At       uint64           `cbor:"5,keyasint"`
	Facility uint32           `cbor:"6,keyasint"`
	Key      [65]byte         `cbor:"7,keyasint"` // SEC 1 uncompressed point on P-256, for this order alone
}

func (m *ReleaseOrder) check() error {
	if m.Patient.IsZero() || m.Person >= MaxPersons || !CheckProof(m.Proof) || !CheckReason(m.Reason) || m.Facility == 0 {
		return fmt.Errorf("release order: %w", ErrMalformed)
	}
	return nil
}

// ReleaseRequest carries a signed ReleaseOrder: {1: bstr}.
type ReleaseRequest struct {
	Order []byte `cbor:"1,keyasint"`
}

func (m *ReleaseRequest) check() error { return bound("order", len(m.Order), 1, MaxCOSE) }

// ReleaseAnswer is what the centre gives out: {1: sealed bstr, 2: until uint,
// 3: role tstr .size (1..32)}.
// sealed is HPKE (RFC 9180: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM)
// in its base mode, enc || ciphertext of a Release to the order's fresh key, with
// the info "dhamani release v1" || SHA-256(order) || until (8 bytes, big-endian) ||
// role.
type ReleaseAnswer struct {
	Sealed []byte `cbor:"1,keyasint"`
	Until  uint64 `cbor:"2,keyasint"` // POSIX seconds: when the keys are to be forgotten
	Role   string `cbor:"3,keyasint"` // the operator's, for which the keys were chosen
}

func (m *ReleaseAnswer) check() error {
	if err := bound("role", len(m.Role), 1, MaxCode); err != nil {
		return err
	}
	return bound("sealed", len(m.Sealed), 1, MaxCOSE*3)
}

// Release is the content of a ReleaseAnswer. A key that the operator's role may
// not have is empty.
//
//	{1: subjects bstr, 2: [6*6 bstr .size (0 / 32)], 3: identity bstr, 4: cover bstr,
//	 5: card bstr .size 8, the patient's card, zeros when there is none}
type Release struct {
	Subjects []byte      `cbor:"1,keyasint"`
	Keys     SectionKeys `cbor:"2,keyasint"`
	Identity []byte      `cbor:"3,keyasint"`
	Cover    []byte      `cbor:"4,keyasint"`
	Card     [8]byte     `cbor:"5,keyasint"`
}

func (m *Release) check() error {
	for i, key := range m.Keys {
		if len(key) != 0 && len(key) != 32 {
			return fmt.Errorf("section key %d of %d bytes: %w", i, len(key), ErrMalformed)
		}
	}
	if err := bound("subjects", len(m.Subjects), 1, MaxCOSE); err != nil {
		return err
	}
	if err := bound("identity", len(m.Identity), 1, MaxIdentity); err != nil {
		return err
	}
	return bound("cover", len(m.Cover), 0, MaxIdentity)
}

// ReleaseKey is the fresh key of one order.
type ReleaseKey struct{ private hpke.PrivateKey }

// SignRelease makes the fresh key of an order, fills its public half in and
// signs the order.
func SignRelease(author crypto.Signer, kid [4]byte, order ReleaseOrder) (*ReleaseRequest, *ReleaseKey, error) {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make key of release: %w", err)
	}
	order.Key = [65]byte(private.PublicKey().Bytes())
	key, err := hpke.NewDHKEMPrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("make key of release: %w", err)
	}
	payload, err := Encode(&order)
	if err != nil {
		return nil, nil, err
	}
	signed, err := cose.Sign1(author, kid[:], payload, []byte(releaseAAD))
	if err != nil {
		return nil, nil, fmt.Errorf("sign release order: %w", err)
	}
	return &ReleaseRequest{Order: signed}, &ReleaseKey{key}, nil
}

// Parse reads the order and the identifier of the key that is to verify it.
// Nothing has been verified yet. It owes ErrMalformed.
func (m *ReleaseRequest) Parse() (*ReleaseOrder, *cose.Signed, error) {
	signed, err := cose.ParseSign1(m.Order)
	if err != nil || len(signed.KID) != 4 {
		return nil, nil, fmt.Errorf("release order: %w", errors.Join(ErrMalformed, err))
	}
	order := new(ReleaseOrder)
	return order, signed, Decode(signed.Payload, order)
}

// ReleaseAAD is the additional data of an order's signature.
func ReleaseAAD() []byte { return []byte(releaseAAD) }

// info is the context of what is sealed: the order that it answers, and all that
// stands beside it in plain.
func (m *ReleaseAnswer) info(order []byte) []byte {
	sum := sha256.Sum256(order)
	out := make([]byte, 0, lenReleaseInfo+len(m.Role))
	out = append(out, releaseInfo...)
	out = append(out, sum[:]...)
	out = binary.BigEndian.AppendUint64(out, m.Until)
	return append(out, m.Role...)
}

// SealRelease seals what is released, for a role and until a time, to the fresh
// key of a signed order. It owes ErrMalformed for a key that is no point on P-256.
func SealRelease(request *ReleaseRequest, order *ReleaseOrder, release *Release, role string, until time.Time) (*ReleaseAnswer, error) {
	point, err := ecdh.P256().NewPublicKey(order.Key[:])
	if err != nil {
		return nil, fmt.Errorf("key of release: %w", ErrMalformed)
	}
	public, err := hpke.NewDHKEMPublicKey(point)
	if err != nil {
		return nil, fmt.Errorf("key of release: %w", ErrMalformed)
	}
	plain, err := Encode(release)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	answer := &ReleaseAnswer{Until: uint64(max(until.Unix(), 0)), Role: role} // #nosec G115 -- not negative
	answer.Sealed, err = hpke.Seal(public, hpke.HKDFSHA256(), hpke.AES256GCM(), answer.info(request.Order), plain)
	if err != nil {
		return nil, fmt.Errorf("seal release: %w", err)
	}
	return answer, nil
}

// Open opens the answer to a request. It owes ErrMalformed.
func (k *ReleaseKey) Open(request *ReleaseRequest, answer *ReleaseAnswer) (*Release, error) {
	plain, err := hpke.Open(k.private, hpke.HKDFSHA256(), hpke.AES256GCM(), answer.info(request.Order), answer.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open release: %w", ErrMalformed)
	}
	defer clear(plain)
	release := new(Release)
	return release, Decode(plain, release)
}
