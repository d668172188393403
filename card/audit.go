package card

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// MaxAudit is the number of lines that EF.AUDIT keeps; the newest stay.
const MaxAudit = 127

const (
	auditLen = 28 // bytes of a line
	maxAudit = MaxAudit
)

// AuditEvent says what a line of EF.AUDIT is about.
type AuditEvent uint8

// The events. Reading, host match and the sensitive key are written before
// anything leaves the card, what changes the card before it is changed.
const (
	AuditRead      AuditEvent = iota + 1 // section keys given out
	AuditEmergency                       // summary or its key given to the emergency role
	AuditSensitive                       // section keys given out, the sensitive one too
	AuditAppend                          // entry appended
	AuditSummary                         // summary written
	AuditHostMatch                       // the terminal says that a finger matched
	AuditPINChange                       // PIN changed by who knows it
	AuditPINReset                        // PIN set, or tries given back, by the issuer
	AuditFinger                          // template written by the issuer
	AuditBlocked                         // last try of PIN or fingers used up
	AuditBlock                           // card blocked
	AuditUnblock                         // card unblocked
	AuditFree                            // entries freed that the centre holds
)

var auditNames = map[AuditEvent]string{
	AuditRead: "read", AuditEmergency: "emergency", AuditSensitive: "sensitive", AuditAppend: "append",
	AuditSummary: "summary", AuditHostMatch: "host-match", AuditPINChange: "pin-change", AuditPINReset: "reset",
	AuditFinger: "finger", AuditBlocked: "verification-blocked", AuditBlock: "block", AuditUnblock: "unblock", AuditFree: "free",
}

// auditRoles are the roles of the CHAT by bit number.
var auditRoles = [...]string{"receptionist", "nurse", "physician", "pharmacist", "laboratory", "emergency", "issuer"}

// String returns the event's name.
func (e AuditEvent) String() string {
	if name, ok := auditNames[e]; ok {
		return name
	}
	return fmt.Sprintf("event(%d)", uint8(e))
}

// MarshalText implements encoding.TextMarshaler.
func (e AuditEvent) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *AuditEvent) UnmarshalText(text []byte) error {
	for event := range AuditEvent(1 << 5) {
		if event.String() == string(text) {
			*e = event
			return nil
		}
	}
	return errors.New("unknown event of an audit line")
}

// AuditLine is one line that the card wrote.
type AuditLine struct {
	Number   uint32     `json:"number"`        // rises by one; gaps are lines that the power spoilt
	Day      time.Time  `json:"day"`           // latest day that the card had seen
	Told     time.Time  `json:"told,omitzero"` // the terminal's own clock; zero when it did not tell
	Event    AuditEvent `json:"event"`         //
	Role     string     `json:"role"`          // in its certificate, as receptionist
	Terminal string     `json:"terminal"`      // holder reference of its certificate
	Detail   uint16     `json:"detail"`        // as docs/formats/card.md says for the event
}

// Audit reads who read and wrote, oldest first. It needs the role physician or
// issuer, or the holder's verification.
func (s *Session) Audit(ctx context.Context) ([]AuditLine, error) {
	raw, err := s.ReadFile(ctx, FileAudit)
	if errors.Is(err, ErrFileNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	lines, err := parseAudit(raw)
	if err != nil {
		return nil, fmt.Errorf("read %v: %w", FileAudit, malformed("%w", err))
	}
	return lines, nil
}

var holderReference = regexp.MustCompile(`^[A-Z0-9]{0,16}\x00*$`)

// parseAudit reads the content of EF.AUDIT:
//
//	line = number u24 | day u16 | told u32 | event 5 bits, role 3 bits | detail u16 | holder reference 16, zeros behind
func parseAudit(raw []byte) ([]AuditLine, error) {
	if len(raw)%auditLen != 0 || len(raw) > maxAudit*auditLen {
		return nil, fmt.Errorf("audit of %d bytes", len(raw))
	}
	out := make([]AuditLine, 0, len(raw)/auditLen)
	for ; len(raw) > 0; raw = raw[auditLen:] {
		line := AuditLine{
			Number: uint32(raw[0])<<16 | uint32(raw[1])<<8 | uint32(raw[2]),
			Event:  AuditEvent(raw[9] >> 3),
			Detail: binary.BigEndian.Uint16(raw[10:]),
		}
		if role := int(raw[9] & 7); role < len(auditRoles) {
			line.Role = auditRoles[role]
		}
		if told := binary.BigEndian.Uint32(raw[5:]); told != 0 {
			line.Told = time.Unix(int64(told), 0).UTC()
		}
		day := binary.BigEndian.Uint16(raw[3:])
		y, m, d := 2000+int(day>>9), time.Month(day>>5&15), int(day&31)
		line.Day = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		holder := raw[12:auditLen]
		switch {
		case line.Day.Year() != y || line.Day.Month() != m || line.Day.Day() != d:
			return nil, fmt.Errorf("day %04X", day)
		case !holderReference.Match(holder):
			return nil, errors.New("holder reference")
		case len(out) > 0 && line.Number <= out[len(out)-1].Number:
			return nil, fmt.Errorf("line %d after %d", line.Number, out[len(out)-1].Number)
		}
		for _, b := range holder {
			if b != 0 {
				line.Terminal += string(rune(b))
			}
		}
		out = append(out, line)
	}
	return out, nil
}
