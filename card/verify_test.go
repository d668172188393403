package card

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
	"github.com/dhamani-iq/dhamani/record"
)

// group makes what a card says of its fingers.
func group(fingers ...Finger) []byte {
	var list []byte
	for _, f := range fingers {
		subtype, _ := f.Finger.subtype()
		list = tlv.Append(list, tagTemplate, tlv.Make(tagReference, []byte{f.Ref}), tlv.Make(tagDiscretion, appendPersons(f.Persons)),
			fingerHeader(subtype), tlv.Make(tagParameters, tlv.Make(0x81, []byte{MinMinutiae, MaxMinutiae})))
	}
	return tlv.Make(tagGroup, tlv.Make(tagCount, []byte{byte(len(fingers))}), list)
}

// bioFile makes the content of EF.BIO.
func bioFile(templates ...Template) (out []byte) {
	for _, t := range templates {
		subtype, _ := t.Finger.Finger.subtype()
		out = tlv.Append(out, tagTemplate, tlv.Make(tagReference, []byte{t.Ref}), tlv.Make(tagDiscretion, appendPersons(t.Persons)),
			fingerHeader(subtype), tlv.Make(tagBiometric, tlv.Make(tagMinutiae, t.Compact)))
	}
	return out
}

// line makes a line of EF.AUDIT.
func line(number, day uint16, event AuditEvent, terminal string) []byte {
	out := []byte{0, byte(number >> 8), byte(number), byte(day >> 8), byte(day), 0, 0, 0, 9, byte(event)<<3 | 2, 1, 0x3F}
	return append(append(out, terminal...), make([]byte, 16-len(terminal))...)
}

const someDay = 26<<9 | 3<<5 | 1

// TestVerifyAnswers holds what cards say about verification against what the
// host makes of it.
func TestVerifyAnswers(t *testing.T) {
	ctx := t.Context()
	next := func(data []byte, sw apdu.SW) *Session {
		s, _ := authentic(t, func(apdu.Command) (apdu.Response, sm.Mode) {
			return apdu.Response{Data: data, SW: sw}, sm.Encrypted
		})
		return s
	}
	pin := []byte("1234")
	for name, tt := range map[string]struct {
		err  error
		want error
	}{
		"blocked":                      {next(nil, 0x6983).VerifyPIN(ctx, pin), ErrVerifyBlocked},
		"no PIN":                       {next(nil, 0x6A88).VerifyPIN(ctx, pin), ErrNoReference},
		"no letters":                   {next(nil, 0x9000).VerifyPIN(ctx, []byte("12x4")), ErrPINForm},
		"refused":                      {next(nil, 0x6982).AssertFinger(ctx, FirstFinger, 40), ErrSecurityStatus},
		"state":                        {next(nil, 0x6985).SetPIN(ctx, 1, pin), ErrConditions},
		"bad new PIN":                  {next(nil, 0x9000).ChangePIN(ctx, pin, []byte("1")), ErrPINForm},
		"bad PIN of the issuer":        {next(nil, 0x9000).UnblockPIN(ctx, []byte{}), ErrPINForm},
		"group cut":                    {second(next(group(Finger{0x11, 1, 2})[:20], 0x9000).Biometrics(ctx)), ErrMalformed},
		"group of more than it says":   {second(next(bytes.Replace(group(Finger{0x11, 1, 2}), []byte{2, 1, 1}, []byte{2, 1, 2}, 1), 0x9000).Biometrics(ctx)), ErrMalformed},
		"group out of order":           {second(next(group(Finger{0x12, 1, 2}, Finger{0x11, 1, 2}), 0x9000).Biometrics(ctx)), ErrMalformed},
		"finger of no number":          {second(next(group(Finger{0x19, 1, 2}), 0x9000).Biometrics(ctx)), ErrMalformed},
		"template too short":           {second(next(bioFile(Template{Finger{0x11, 1, 2}, make([]byte, 33)}), 0x6282).Templates(ctx)), ErrMalformed},
		"template of no whole":         {second(next(bioFile(Template{Finger{0x11, 1, 2}, make([]byte, 37)}), 0x6282).Templates(ctx)), ErrMalformed},
		"audit cut":                    {second(next(line(1, someDay, AuditRead, "IQA00001")[:27], 0x6282).Audit(ctx)), ErrMalformed},
		"audit of no day":              {second(next(line(1, 26<<9|2<<5|30, AuditRead, "IQA00001"), 0x6282).Audit(ctx)), ErrMalformed},
		"audit by nobody":              {second(next(line(1, someDay, AuditRead, "IQ\x1b[2J"), 0x6282).Audit(ctx)), ErrMalformed},
		"audit with a hole in a name":  {second(next(line(1, someDay, AuditRead, "IQ\x00A"), 0x6282).Audit(ctx)), ErrMalformed},
		"audit that goes back":         {second(next(append(line(2, someDay, AuditRead, "A"), line(2, someDay, AuditRead, "A")...), 0x6282).Audit(ctx)), ErrMalformed},
		"audit that the role may not":  {second(next(nil, 0x6982).Audit(ctx)), ErrSecurityStatus},
		"templates that are not there": {second(next(nil, 0x6A82).Templates(ctx)), ErrFileNotFound},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, tt.err, tt.want)
		}
	}
	if failed, ok := errors.AsType[*VerifyError](next(nil, 0x63C2).VerifyFinger(ctx, FirstFinger, make([]byte, 36))); !ok || failed.Left != 2 {
		t.Errorf("%v", failed)
	}
	if lines, err := next(nil, 0x6A82).Audit(ctx); err != nil || lines != nil {
		t.Errorf("audit of a new card: %v, %v", lines, err)
	}
	lines, err := next(append(line(1, someDay, AuditRead, "IQA00001"), line(3, someDay, 29, "IQTERMINAL300001")...), 0x6282).Audit(ctx)
	if err != nil || len(lines) != 2 || lines[1].Terminal != "IQTERMINAL300001" || lines[1].Event.String() != "event(29)" || lines[0].Told.Unix() != 9 {
		t.Errorf("%+v, %v", lines, err)
	}
	for _, bad := range []Template{
		{Finger{0x11, 1, 0}, make([]byte, 36)}, {Finger{0x11, 1, 11}, make([]byte, 36)}, {Finger{0x11, 1, 1}, make([]byte, 195)},
	} {
		if err := next(nil, 0x9000).SetFinger(ctx, bad); err == nil {
			t.Errorf("%v sent", bad)
		}
	}
}

// A template does not print what is in it.
func TestTemplatePrints(t *testing.T) {
	tmpl := Template{Finger{0x11, record.PersonsOf(0, 3), 7}, bytes.Repeat([]byte{0xAB}, 36)}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, tmpl); !strings.Contains(got, "[0 3]") || strings.Contains(strings.ToLower(got), "ab") || strings.Contains(got, "171") {
			t.Errorf("%s: %s", format, got)
		}
	}
}

// FuzzReferences reads what a card says of fingers, templates and lines.
func FuzzReferences(f *testing.F) {
	f.Add(group(Finger{0x11, 3, 2}, Finger{0x18, 1, 10}))
	f.Add(bioFile(Template{Finger{0x11, 3, 2}, make([]byte, 36)}, Template{Finger{0x12, 1, 7}, make([]byte, 192)}))
	f.Add(append(line(1, someDay, AuditRead, "IQA00001"), line(2, someDay, AuditUnblock, "IQTERMINAL300001")...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if fingers, err := parseGroup(raw); err == nil {
			if again, err := parseGroup(group(fingers...)); err != nil || !slices.Equal(again, fingers) || len(fingers) > MaxFingers {
				t.Errorf("%v, then %v, %v", fingers, again, err)
			}
		}
		if templates, err := parseTemplates(raw); err == nil && (len(templates) > MaxFingers || !bytes.Equal(bioFile(templates...), raw)) {
			t.Errorf("%v", templates)
		}
		if lines, err := parseAudit(raw); err == nil && len(lines) > MaxAudit {
			t.Errorf("%d lines", len(lines))
		}
	})
}
