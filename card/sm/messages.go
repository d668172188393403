package sm

import (
	"fmt"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

// overhead is what protection adds to a data field at most: a padding block,
// the padding indicator, the headers, DO97 or DO99, and DO8E.
const overhead = 16 + 1 + 4 + 4 + 10

// WrapCommand protects a plain command (host side). The result always expects
// an answer (Ne 256) and may be too long for one short command: send it with
// apdu.Chain. It owes ErrTooLong and ErrEnded.
func (s *Session) WrapCommand(c apdu.Command, mode Mode) (apdu.Command, error) {
	switch {
	case s.ended:
		return apdu.Command{}, fmt.Errorf("wrap command: %w", ErrEnded)
	case len(c.Data) > maxPlain || c.Ne < 0 || c.Ne > apdu.MaxExtendedNe:
		return apdu.Command{}, fmt.Errorf("wrap command: %w", ErrTooLong)
	}
	s.step()
	out := s.appendData(make([]byte, 0, len(c.Data)+overhead), c.Data, c.OddINS(), mode)
	switch {
	case c.Ne == 0:
	case c.Ne <= apdu.MaxShortNe:
		out = tlv.Append(out, TagLe, []byte{byte(c.Ne)}) // #nosec G115 -- 256 is coded 00
	default:
		out = tlv.Append(out, TagLe, []byte{byte(c.Ne >> 8), byte(c.Ne)}) // #nosec G115 -- 65536 is coded 0000
	}
	mac := s.sum(smHeader(c), out)
	out = tlv.Append(out, TagMAC, mac)
	return apdu.Command{CLA: c.CLA | ClassSM, INS: c.INS, P1: c.P1, P2: c.P2, Data: out, Ne: apdu.MaxShortNe}, nil
}

// UnwrapCommand checks and opens a protected command whose chain has been put
// together (card side). The plain command has the class bits of secure
// messaging and of chaining cleared; Ne comes from DO97. mode says how the
// data field was protected.
//
// It owes ErrMissing, ErrIncorrect and ErrEnded.
func (s *Session) UnwrapCommand(c apdu.Command) (plain apdu.Command, mode Mode, err error) {
	if s.ended {
		return apdu.Command{}, 0, fmt.Errorf("unwrap command: %w", ErrEnded)
	}
	if c.CLA&ClassSM != ClassSM {
		return apdu.Command{}, 0, s.fail(ErrMissing, "unprotected command")
	}
	m, err := split(c.Data, c.OddINS(), TagLe)
	if err != nil {
		s.End()
		return apdu.Command{}, 0, fmt.Errorf("unwrap command: %w", err)
	}
	c.CLA &^= apdu.ClassChained
	s.step()
	if err := s.verify(smHeader(c), m); err != nil {
		return apdu.Command{}, 0, fmt.Errorf("unwrap command: %w", err)
	}
	plain = apdu.Command{CLA: c.CLA &^ ClassSM, INS: c.INS, P1: c.P1, P2: c.P2}
	switch len(m.control) {
	case 0:
	case 1:
		plain.Ne = int(m.control[0])
		if plain.Ne == 0 {
			plain.Ne = apdu.MaxShortNe
		}
	case 2:
		plain.Ne = int(m.control[0])<<8 | int(m.control[1])
		if plain.Ne == 0 {
			plain.Ne = apdu.MaxExtendedNe
		}
	default:
		return apdu.Command{}, 0, fmt.Errorf("unwrap command: %w", s.fail(ErrIncorrect, "expected length"))
	}
	if m.data.Tag != 0 {
		if plain.Data, mode, err = s.openData(m.data); err != nil {
			return apdu.Command{}, 0, fmt.Errorf("unwrap command: %w", err)
		}
	}
	return plain, mode, nil
}

// WrapResponse protects a plain response to a command with the given INS
// (card side). It owes ErrTooLong and ErrEnded.
func (s *Session) WrapResponse(ins byte, r apdu.Response, mode Mode) (apdu.Response, error) {
	switch {
	case s.ended:
		return apdu.Response{}, fmt.Errorf("wrap response: %w", ErrEnded)
	case len(r.Data) > maxPlain:
		return apdu.Response{}, fmt.Errorf("wrap response: %w", ErrTooLong)
	}
	s.step()
	out := s.appendData(make([]byte, 0, len(r.Data)+overhead), r.Data, ins&1 == 1, mode)
	sw := r.SW.Bytes()
	out = tlv.Append(out, TagSW, sw[:])
	out = tlv.Append(out, TagMAC, s.sum(nil, out))
	return apdu.Response{Data: out, SW: r.SW}, nil
}

// UnwrapResponse checks and opens the response to a command with the given
// INS, put together from its parts (host side). Data of the result may be a
// part of r.Data. mode says how the data field was protected.
//
// It owes ErrMissing for an unprotected response, ErrIncorrect and ErrEnded.
func (s *Session) UnwrapResponse(ins byte, r apdu.Response) (plain apdu.Response, mode Mode, err error) {
	if s.ended {
		return apdu.Response{}, 0, fmt.Errorf("unwrap response: %w", ErrEnded)
	}
	m, err := split(r.Data, ins&1 == 1, TagSW)
	if err != nil {
		s.End()
		return apdu.Response{}, 0, fmt.Errorf("unwrap response with %v: %w", r.SW, err)
	}
	s.step()
	if err := s.verify(nil, m); err != nil {
		return apdu.Response{}, 0, fmt.Errorf("unwrap response with %v: %w", r.SW, err)
	}
	if len(m.control) != 2 {
		return apdu.Response{}, 0, fmt.Errorf("unwrap response: %w", s.fail(ErrMissing, "no status word object"))
	}
	plain.SW = apdu.SW(m.control[0])<<8 | apdu.SW(m.control[1])
	if plain.SW != r.SW {
		return apdu.Response{}, 0, fmt.Errorf("unwrap response with %v: %w", r.SW, s.fail(ErrIncorrect, "status word"))
	}
	if m.data.Tag != 0 {
		if plain.Data, mode, err = s.openData(m.data); err != nil {
			return apdu.Response{}, 0, fmt.Errorf("unwrap response: %w", err)
		}
	}
	return plain, mode, nil
}
