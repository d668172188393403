package personalise

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/crypto/trust"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/client"
	"github.com/dhamani-iq/dhamani/sync/wire"
)

// work is one card on its way; its steps fill it in their order.
type work struct {
	s     *Station
	order Order
	id    card.ID

	grant    *wire.CardGrant // register
	subjects envelope.Subjects
	persons  map[uint8]person // on the card

	held       [][]byte // fetch: at the centre, oldest first
	fresh      [][]byte // seal: of the Bundle, not at the centre yet
	others     [][]byte // held, but not of the Bundle
	all        [][]byte // choose: held and fresh, oldest first
	log        [][]byte // the newest of them that fit
	summaries  map[uint8]*record.Summary
	unverified int
}

// person is somebody on the card, with what seals and opens their entries.
type person struct {
	subject envelope.Subject
	keys    *envelope.Keys
}

// fetch gets what the centre holds of the patient already.
func (w *work) fetch(ctx context.Context, _ *ecdh.PublicKey) error {
	w.s.progress("fetch", 0, 0)
	got, err := w.s.Centre.Patient(ctx, w.grant.Patient, [16]byte{})
	if err != nil {
		return fmt.Errorf("fetch history: %w", err)
	}
	if got == nil || !bytes.Equal(got.Subjects, w.grant.Subjects) {
		return fmt.Errorf("fetch history: answer for another patient: %w", client.ErrProtocol)
	}
	ids := make([]record.EntryID, len(got.Items))
	for i, raw := range got.Items {
		ids[i] = envelope.IDOf(raw)
	}
	if wire.Digest(ids) != got.Digest {
		return fmt.Errorf("fetch history: %w", ErrIncomplete)
	}
	w.held = got.Items
	return nil
}

// content is what makes two sealed entries the same: person, minute, sections.
type content [sha256.Size]byte

func contentOf(person uint8, at time.Time, sections map[record.Section][]byte) content {
	h := sha256.New()
	head := binary.BigEndian.AppendUint64([]byte{person}, uint64(at.Unix()/60)) // #nosec G115 -- only compared
	_, _ = h.Write(head)                                                        // never fails
	for _, s := range record.AllSections() {
		if text := sections[s]; text != nil {
			_, _ = h.Write(binary.BigEndian.AppendUint32([]byte{byte(s)}, uint32(len(text)))) // #nosec G115 -- a section is short
			_, _ = h.Write(text)
		}
	}
	return content(h.Sum(nil))
}

// seal signs and seals what of the Bundle the centre does not hold, oldest
// first. An encounter that is larger than one entry may be is split.
func (w *work) seal(context.Context, *ecdh.PublicKey) error {
	if w.order.Bundle == nil {
		w.others = w.held
		return nil
	}
	known := w.contents()
	ordered := slices.Clone(w.order.Bundle.Entries)
	slices.SortStableFunc(ordered, func(x, y *record.Entry) int { return x.Start.Compare(y.Start) })
	for i, e := range ordered {
		w.s.progress("seal", i+1, len(ordered))
		for _, part := range record.Split(e, record.MaxContent) {
			sections, err := part.Sections()
			if err != nil {
				return fmt.Errorf("encode encounter: %w", err)
			}
			meta := envelope.Meta{Person: part.Person, Time: part.Meta().Start}
			c := contentOf(meta.Person, meta.Time, sections)
			if n := len(known[c]); n > 0 {
				known[c] = known[c][:n-1]
				continue
			}
			who, ok := w.persons[meta.Person]
			if !ok {
				return fmt.Errorf("encounter of person %d, whom the identity does not name: %w", meta.Person, record.ErrInvalid)
			}
			raw, err := envelope.Seal(who.subject, who.keys, w.s.Author, meta, sections, rand.Reader)
			if err != nil {
				return fmt.Errorf("seal encounter: %w", err)
			}
			w.fresh = append(w.fresh, raw)
		}
	}
	for _, left := range known {
		w.others = append(w.others, left...)
	}
	return nil
}

// contents opens what the centre holds. What does not open is nobody's equal.
func (w *work) contents() map[content][][]byte {
	out := make(map[content][][]byte, len(w.held))
	for _, raw := range w.held {
		c := content(envelope.IDOf(raw))
		if sealed, sections, err := w.openAll(raw); err == nil {
			c = contentOf(sealed.Person(), sealed.Time(), sections)
		}
		out[c] = append(out[c], raw)
	}
	return out
}

func (w *work) send(ctx context.Context, _ *ecdh.PublicKey) error {
	for begin := 0; begin < len(w.fresh); begin += wire.MaxItems {
		end := min(begin+wire.MaxItems, len(w.fresh))
		items := make([]wire.Envelope, 0, end-begin)
		for _, sealed := range w.fresh[begin:end] {
			items = append(items, wire.Envelope{Patient: w.grant.Patient, Sealed: sealed})
		}
		results, err := w.s.Centre.Push(ctx, items)
		if err != nil {
			return fmt.Errorf("send history: %w", err)
		}
		for _, r := range results {
			if r.Status == wire.StatusRejected {
				return fmt.Errorf("entry %s: %s: %w", r.ID.Short(), r.Code, ErrRejected)
			}
		}
		w.s.progress("send", end, len(w.fresh))
	}
	return nil
}

// choose orders the history, leaves out what no trusted author signed, takes
// the newest that fit, and brings the summary up to date.
func (w *work) choose(context.Context, *ecdh.PublicKey) error {
	w.all = append(slices.Clone(w.held), w.fresh...)
	if err := byTime(w.all); err != nil {
		return err
	}
	good, opened := w.all, make(map[uint8][]*record.Entry)
	if w.s.Trust != nil {
		doubtful := make(map[record.EntryID]bool)
		for _, raw := range w.others {
			e, err := w.open(raw)
			if err != nil {
				doubtful[envelope.IDOf(raw)] = true
				continue
			}
			opened[e.Person] = append(opened[e.Person], e)
		}
		w.unverified = len(doubtful)
		good = slices.DeleteFunc(slices.Clone(w.all), func(raw []byte) bool { return doubtful[envelope.IDOf(raw)] })
	}
	w.log = newestThatFit(good)
	w.summarise(opened)
	return nil
}

// summarise makes the summary of the holder, and of each of the family of whom
// there are entries. opened are those that are not of the Bundle, which has the
// holder's summary of its own entries.
func (w *work) summarise(opened map[uint8][]*record.Entry) {
	w.summaries = make(map[uint8]*record.Summary)
	var before *record.Summary
	if b := w.order.Bundle; b != nil {
		before = b.Summary
		for _, e := range b.Entries {
			if e.Person > 0 {
				opened[e.Person] = append(opened[e.Person], e)
			}
		}
	}
	for n := range w.persons {
		switch {
		case n > 0 && len(opened[n]) == 0:
		case n > 0:
			w.summaries[n] = record.Summarise(nil, opened[n], time.Now())
		case before == nil || len(opened[n]) > 0:
			w.summaries[n] = record.Summarise(before, opened[n], time.Now())
		default:
			w.summaries[n] = before
		}
	}
}

// byTime orders sealed entries by their own time; those of one minute stay in
// the order of the centre.
func byTime(list [][]byte) error {
	type dated struct {
		at  int64
		raw []byte
	}
	ordered := make([]dated, len(list))
	for i, raw := range list {
		sealed, err := envelope.Parse(raw)
		if err != nil {
			return fmt.Errorf("order history: %w", err)
		}
		ordered[i] = dated{sealed.Time().Unix(), raw}
	}
	slices.SortStableFunc(ordered, func(x, y dated) int { return cmp.Compare(x.at, y.at) })
	for i := range ordered {
		list[i] = ordered[i].raw
	}
	return nil
}

// open verifies an entry and decodes it.
func (w *work) open(raw []byte) (*record.Entry, error) {
	sealed, texts, err := w.openAll(raw)
	if err != nil {
		return nil, err
	}
	e, err := record.Decode(record.Meta{Person: sealed.Person(), Start: sealed.Time()}, texts)
	if err != nil {
		return nil, err
	}
	e.ID = sealed.ID()
	return e, nil
}

// openAll verifies an entry and decrypts all of it.
func (w *work) openAll(raw []byte) (*envelope.Sealed, map[record.Section][]byte, error) {
	sealed, err := envelope.Parse(raw)
	if err != nil {
		return nil, nil, err
	}
	author, err := w.author(sealed)
	if err != nil {
		return nil, nil, err
	}
	who, ok := w.persons[sealed.Person()]
	if !ok {
		return nil, nil, envelope.ErrPerson
	}
	if err := sealed.Verify(who.subject, author); err != nil {
		return nil, nil, err
	}
	texts, locked, err := sealed.OpenAll(who.keys)
	if err == nil && len(locked) > 0 {
		err = errors.New("a section is locked")
	}
	return sealed, texts, err
}

// author returns the key that signed an entry: the station's own, or one of
// the trust list.
func (w *work) author(sealed *envelope.Sealed) (*ecdsa.PublicKey, error) {
	if own, ok := w.s.Author.Signer.Public().(*ecdsa.PublicKey); ok && sealed.KID() == w.s.Author.KID {
		return own, nil
	}
	if w.s.Trust == nil {
		return nil, trust.ErrUnknownKey
	}
	key, err := w.s.Trust.Author(sealed.KID(), sealed.Time())
	return key.Public, err
}

// putAnchors stores what the card trusts: the self-signed anchor, which puts
// any other away, and the link to a newer one.
func (w *work) putAnchors(ctx context.Context, blank *card.Blank) error {
	for _, anchor := range w.grant.Anchors {
		if err := blank.PutAnchor(ctx, anchor); err != nil {
			return err
		}
	}
	return nil
}

// write fills the card and, unless it is to be held, activates it. A key
// set over another begins log and summary anew, so it may be repeated as a whole.
func (w *work) write(ctx context.Context, blank *card.Blank) error {
	type step struct {
		name string
		do   func() error
	}
	steps := []step{
		{"anchor", func() error { return w.putAnchors(ctx, blank) }},
		{"date", func() error { return blank.PutDate(ctx, time.Now()) }},
		{"section keys", func() error { return w.writeKeys(ctx, blank) }},
		{"references", func() error { return w.writeReferences(ctx, blank) }},
		{"card security", func() error { return blank.WriteFile(ctx, card.FileSecurity, w.grant.Security) }},
		{"identity", func() error { return blank.WriteFile(ctx, card.FileID, w.grant.IDFile) }},
		{"summary", func() error { return w.writeSummary(ctx, blank) }},
		{"log", func() error { return w.writeLog(ctx, blank) }},
	}
	if !w.order.Hold {
		steps = append(steps, step{"activate", func() error { return blank.Activate(ctx) }})
	}
	for _, step := range steps {
		w.s.progress(step.name, 0, 0)
		if err := step.do(); err != nil {
			return fmt.Errorf("write %s to card: %w", step.name, err)
		}
	}
	return nil
}

// writeKeys gives the card the keys of each person, the holder's first.
func (w *work) writeKeys(ctx context.Context, blank *card.Blank) error {
	for i := range w.grant.Persons {
		p := &w.grant.Persons[i]
		if err := blank.PutKeys(ctx, p.Person, p.Keys.Map()); err != nil {
			return err
		}
	}
	return nil
}

// writeSummary writes all summaries, each within its share of the room.
func (w *work) writeSummary(ctx context.Context, blank *card.Blank) error {
	sums := &envelope.Summaries{}
	for _, n := range slices.Sorted(maps.Keys(w.summaries)) {
		fit := *w.summaries[n]
		fit.Allergies, fit.Problems, fit.Medicines = slices.Clone(fit.Allergies), slices.Clone(fit.Problems), slices.Clone(fit.Medicines)
		fit.Fit(sums.Room(n, len(w.persons)))
		plain, err := fit.Encode()
		if err != nil {
			return err
		}
		who, sections := w.persons[n], map[record.Section][]byte{record.SectionSummary: plain}
		sealed, err := envelope.Seal(who.subject, who.keys, w.s.Author, envelope.Meta{Person: n, Time: time.Now()}, sections, rand.Reader)
		if err != nil {
			return err
		}
		if sums, err = sums.With(sealed); err != nil {
			return err
		}
	}
	_, err := blank.WriteSummary(ctx, 0, sums.Bytes())
	return err
}

func (w *work) writeLog(ctx context.Context, blank *card.Blank) error {
	for i, sealed := range w.log {
		w.s.progress("log", i+1, len(w.log))
		if _, err := blank.Append(ctx, uint32(i), sealed); err != nil { // #nosec G115 -- bounded by the log's size
			return err
		}
	}
	return nil
}

// newestThatFit returns the newest entries that the card's log has room for,
// oldest first. One that no card can hold is passed over.
func newestThatFit(history [][]byte) [][]byte {
	free := card.LogSize - logReserve
	var out [][]byte
	for _, raw := range slices.Backward(history) {
		if len(raw) > card.MaxEntry {
			continue
		}
		if free -= len(raw) + card.LenLength; free < 0 {
			break
		}
		out = append(out, raw)
	}
	slices.Reverse(out)
	return out
}

// logReserve is kept free on a new card, so that the next visits can be
// written before any room has to be made.
const logReserve = card.LogSize / card.Segments
