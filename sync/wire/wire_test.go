package wire_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

func bytesOf(n int, b byte) []byte { return bytes.Repeat([]byte{b}, n) }

func keysOf(b byte) wire.SectionKeys {
	var keys wire.SectionKeys
	for i := range keys {
		keys[i] = bytesOf(32, b)
	}
	return keys
}

// samples holds one full message of each kind, with an empty one of its type.
func samples() map[string][2]wire.Message {
	patient := record.PatientID{1, 2, 3, 4, 5, 6, 7, 8}
	return map[string][2]wire.Message{
		"push request": {&wire.PushRequest{
			Batch: [16]byte{1},
			Items: []wire.Envelope{{Patient: patient, Sealed: []byte{1, 2, 3}}, {Patient: patient, Sealed: []byte{4}}},
		}, &wire.PushRequest{}},
		"push response": {&wire.PushResponse{
			Receipt: []byte{1, 2},
			Results: []wire.Result{{ID: record.EntryID{9}}, {ID: record.EntryID{8}, Status: wire.StatusRejected, Code: wire.RejectSignature}},
		}, &wire.PushResponse{}},
		"changes page": {&wire.ChangesPage{
			Epoch: 7, Next: wire.MakeCursor(7, 12), More: true,
			Items: []wire.Change{{Pos: 11, Patient: patient, Sealed: []byte{1}}, {Pos: 12, Patient: patient, Sealed: []byte{2}}},
		}, &wire.ChangesPage{}},
		"patient response": {&wire.PatientResponse{
			Subjects: []byte{1}, Items: [][]byte{{1}, {2}}, Identity: []byte{3}, Cover: []byte{4}, Digest: [16]byte{5}, Next: 3,
		}, &wire.PatientResponse{}},
		"card request":        {&wire.CardRequest{Card: [8]byte{1}, CardKey: [65]byte{4}, Identity: []byte{1}, Cover: []byte{2}, Fingers: [][]byte{{5}, {6, 7}}}, &wire.CardRequest{}},
		"log receipt request": {&wire.LogReceiptRequest{Card: [8]byte{1}, Seq: 2, Chain: [16]byte{3}, IDs: bytes.Repeat([]byte{4}, 64)}, &wire.LogReceiptRequest{}},
		"log receipt":         {&wire.LogReceipt{Seq: 4, Chain: [16]byte{5}, Signature: [64]byte{6}, Certificates: [][]byte{{7}, {8}}}, &wire.LogReceipt{}},
		"card grant": {&wire.CardGrant{
			Patient: patient, Security: []byte{1}, IDFile: []byte{2}, Anchors: [][]byte{{3}}, Persons: []wire.PersonKeys{{Keys: keysOf(0x5a)}, {Person: 2, Keys: keysOf(0xa5)}}, Subjects: []byte{4},
			Fingers: []byte{wire.FingerKept, wire.FingerPoor},
		}, &wire.CardGrant{}},
		"enrol request": {&wire.EnrolRequest{
			FacilityName: "مستشفى ١", Name: "desk", AuthorKey: [65]byte{1}, TerminalKey: [65]byte{2}, TLSKey: [65]byte{3},
		}, &wire.EnrolRequest{}},
		"release order": {&wire.ReleaseOrder{
			Patient: patient, Proof: wire.ProofPhoto, Reason: wire.ReasonForgotten, At: 1_800_000_000, Facility: 12, Key: [65]byte{4},
		}, &wire.ReleaseOrder{}},
		"release request": {&wire.ReleaseRequest{Order: []byte{1}}, &wire.ReleaseRequest{}},
		"release answer":  {&wire.ReleaseAnswer{Sealed: []byte{1}, Until: 1_800_001_800, Role: "nurse"}, &wire.ReleaseAnswer{}},
		"release": {&wire.Release{
			Subjects: []byte{1}, Keys: keysOf(0x5a), Identity: []byte{2}, Cover: []byte{3}, Card: [8]byte{4},
		}, &wire.Release{}},
		"operator request": {&wire.OperatorRequest{
			Facility: 12, Name: "د. أمل", AuthorKey: [65]byte{1}, TerminalKey: [65]byte{2},
		}, &wire.OperatorRequest{}},
		"operator grant": {&wire.OperatorGrant{
			Facility: 12, Name: "د. أمل", AuthorKID: [4]byte{1}, TerminalChain: [][]byte{{1}, {2}}, Trust: []byte{3}, Anchor: []byte{4},
		}, &wire.OperatorGrant{}},
		"enrol grant": {&wire.EnrolGrant{
			Facility: 12, AuthorKID: [4]byte{1}, TLSCert: []byte{1}, TLSCA: []byte{2}, TerminalChain: [][]byte{{3}, {4}},
			Anchor: []byte{5}, Trust: []byte{6}, Block: []byte{7}, CentreURL: "https://localhost:8443", CentreName: "centre",
		}, &wire.EnrolGrant{}},
		"health": {&wire.Health{Name: "centre", Version: 1, Epoch: 5, Time: 6, Trust: 1, Block: 2}, &wire.Health{}},
		"error":  {&wire.Error{Code: wire.CodeUnavailable, Message: "busy", RetryAfter: 3}, &wire.Error{}},
	}
}

func TestRoundTrip(t *testing.T) {
	for name, s := range samples() {
		t.Run(name, func(t *testing.T) {
			raw, err := wire.Encode(s[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := wire.Decode(raw, s[1]); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(s[0], s[1]) {
				t.Errorf("got %+v, want %+v", s[1], s[0])
			}
			for cut := range raw {
				if err := wire.Decode(raw[:cut], reflect.New(reflect.TypeOf(s[0]).Elem()).Interface().(wire.Message)); !errors.Is(err, wire.ErrMalformed) {
					t.Fatalf("cut at %d: %v", cut, err)
				}
			}
			trailing := reflect.New(reflect.TypeOf(s[0]).Elem()).Interface().(wire.Message)
			if err := wire.Decode(append(raw, 0), trailing); !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("trailing byte: %v", err)
			}
		})
	}
}

func TestSectionKeysPrintRedacted(t *testing.T) {
	grant := &wire.CardGrant{Persons: []wire.PersonKeys{{Keys: keysOf('K')}}}
	text, err := json.Marshal(grant)
	if err != nil {
		t.Fatal(err)
	}
	all := string(text) + fmt.Sprintf("%v %+v %#v %v %x %q %d", grant, grant, grant, grant.Persons, grant.Persons[0], grant.Persons[0].Keys, *grant)
	for _, secret := range []string{"KKKK", "S0tLS0", "4b4b4b", "75 75 75"} {
		if strings.Contains(all, secret) {
			t.Errorf("printed form holds %q: %s", secret, all)
		}
	}
}

func TestEnrolProof(t *testing.T) {
	var signers [3]*ecdsa.PrivateKey
	for i := range signers {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		signers[i] = key
	}
	req := &wire.EnrolRequest{FacilityName: "Clinic 1", Name: "desk 1"}
	if err := req.Sign(signers[0], signers[1], signers[2]); err != nil {
		t.Fatal(err)
	}
	keys, err := req.Verify()
	if err != nil {
		t.Fatal(err)
	}
	if !keys.Author.Equal(signers[0].Public()) || !keys.Terminal.Equal(signers[1].Public()) || !keys.TLS.Equal(signers[2].Public()) {
		t.Error("keys differ from the signers'")
	}
	for name, spoil := range map[string]func(*wire.EnrolRequest){
		"name":           func(r *wire.EnrolRequest) { r.Name = "desk 2" },
		"facility":       func(r *wire.EnrolRequest) { r.FacilityName = "Clinic 2" },
		"author proof":   func(r *wire.EnrolRequest) { r.AuthorProof[9] ^= 1 },
		"terminal proof": func(r *wire.EnrolRequest) { r.TerminalProof[9] ^= 1 },
		"tls proof":      func(r *wire.EnrolRequest) { r.TLSProof[9] ^= 1 },
		"other's proof":  func(r *wire.EnrolRequest) { r.TLSProof = r.AuthorProof },
	} {
		t.Run(name, func(t *testing.T) {
			bad := *req
			spoil(&bad)
			if _, err := bad.Verify(); !errors.Is(err, wire.ErrProof) {
				t.Errorf("got %v, want %v", err, wire.ErrProof)
			}
		})
	}
}
