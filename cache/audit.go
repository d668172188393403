package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// Audit says who did what. It holds codes, never health data: each field is
// one to sixty-four letters, digits and the signs . : / _ - @, and Code may be
// empty. The patient is recorded as a keyed hash.
type Audit struct {
	At     time.Time // zero means now
	Actor  string    // for example the terminal's name
	Action string    // for example "read" or "append"
	Code   string    // a detail, for example a failure code
}

func (a *Audit) check() error {
	for _, f := range []struct{ name, text string }{{"actor", a.Actor}, {"action", a.Action}, {"code", a.Code}} {
		if f.text == "" && f.name != "code" || len(f.text) > maxCode {
			return invalid("audit %s of %d characters", f.name, len(f.text))
		}
		for _, r := range f.text {
			if !auditRune(r) {
				return invalid("audit %s is not a code", f.name)
			}
		}
	}
	return nil
}

func auditRune(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	}
	switch r {
	case '.', ':', '/', '_', '-', '@':
		return true
	}
	return false
}

// AuditRecord is one link of the audit chain.
type AuditRecord struct {
	Seq     uint64 // from 1, without gaps
	At      time.Time
	Actor   string
	Action  string
	Patient [16]byte // keyed hash, see AuditName; zero when no patient is concerned
	Code    string
	Hash    [32]byte // SHA-256 over the record and the hash before it
}

// AuditHead is the end of the audit chain. Kept elsewhere, it shows later
// whether the chain still begins as it did.
type AuditHead struct {
	Seq  uint64
	Hash [32]byte
}

const (
	keyCursor    = "cursor"
	keyAuditHead = "audit"
	keyClock     = "clock"
)

// AuditName returns the keyed hash under which a patient stands in the audit
// records of this cache.
func (c *Cache) AuditName(p record.PatientID) [16]byte {
	return [16]byte(c.box.name(kindPatient, p[:]))
}

// AppendAudit adds a record of its own; a zero patient means none.
func (c *Cache) AppendAudit(a Audit, p record.PatientID) error {
	return c.update("append audit record", func(t *tx) error { return t.audit(a, p) })
}

// audit adds a record in the running transaction.
func (t *tx) audit(a Audit, p record.PatientID) error {
	if err := a.check(); err != nil {
		return err
	}
	var head auditHeadRow
	if _, err := t.get(bucketState, []byte(keyAuditHead), &head); err != nil {
		return err
	}
	at := a.At
	if at.IsZero() {
		at = t.now
	}
	r := auditRow{Prev: head.Hash, At: at.Unix(), Actor: a.Actor, Action: a.Action, Code: a.Code}
	if !p.IsZero() {
		copy(r.Patient[:], t.box.name(kindPatient, p[:]))
	}
	raw, err := encodeRow(&r)
	if err != nil {
		return err
	}
	head = auditHeadRow{Seq: head.Seq + 1, Hash: sha256.Sum256(raw)}
	if err := t.put(bucketAudit, number(head.Seq), &r); err != nil {
		return err
	}
	return t.put(bucketState, []byte(keyAuditHead), &head)
}

// VerifyAudit walks the audit chain from its first record to its last and
// returns the end. It owes *AuditError, which names the first bad link.
func (c *Cache) VerifyAudit() (AuditHead, error) {
	return c.AuditRecords(0, func(AuditRecord) error { return nil })
}

// AuditRecords verifies the chain and calls emit for every record after the
// given number, oldest first. It stops at the first error of emit.
func (c *Cache) AuditRecords(after uint64, emit func(AuditRecord) error) (AuditHead, error) {
	var head AuditHead
	err := c.view("verify audit chain", func(t *tx) error {
		var err error
		head, err = t.auditChain(func(r AuditRecord) error {
			if r.Seq <= after {
				return nil
			}
			return emit(r)
		})
		if err != nil {
			return err
		}
		var want auditHeadRow
		if _, err := t.get(bucketState, []byte(keyAuditHead), &want); err != nil {
			return &AuditError{Seq: head.Seq, What: "the end of the chain is not readable"}
		}
		if want.Seq != head.Seq || want.Hash != head.Hash {
			return &AuditError{Seq: head.Seq + 1, What: fmt.Sprintf("chain of %d records ends here", want.Seq)}
		}
		return nil
	})
	return head, err
}

// auditChain walks the chain up to its first bad link, and returns the end of
// the good part in either case.
func (t *tx) auditChain(emit func(AuditRecord) error) (AuditHead, error) {
	var head AuditHead
	cur := t.bucket(bucketAudit).Cursor()
	for key, value := cur.First(); key != nil; key, value = cur.Next() {
		seq := head.Seq + 1
		if len(key) != 8 || binary.BigEndian.Uint64(key) != seq {
			return head, &AuditError{Seq: seq, What: "missing"}
		}
		raw, err := t.box.open(bucketAudit, key, value)
		if err != nil {
			return head, &AuditError{Seq: seq, What: "does not authenticate"}
		}
		var r auditRow
		if err := decodeRow(raw, &r); err != nil {
			return head, &AuditError{Seq: seq, What: "malformed"}
		}
		if r.Prev != head.Hash {
			return head, &AuditError{Seq: seq, What: "does not follow the record before it"}
		}
		next := AuditHead{Seq: seq, Hash: sha256.Sum256(raw)}
		err = emit(AuditRecord{
			Seq: seq, At: fromPOSIX(r.At), Actor: r.Actor, Action: r.Action,
			Patient: r.Patient, Code: r.Code, Hash: next.Hash,
		})
		if err != nil {
			return head, err
		}
		head = next
	}
	return head, nil
}
