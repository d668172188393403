package authority

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/internal/strictcbor"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// ErrArchive is returned for a file that is no archive of a patient, or not
// this centre's.
var ErrArchive = errors.New("not an archive of this centre")

// Bounds of an archive's file.
const (
	MaxArchiveFile  = 64 << 20
	archiveVersion  = 1
	archiveEntries  = 1024 // of one part
	maxArchiveParts = 1024
)

// archiveCodec reads and writes archives; entries stand three levels deep.
var archiveCodec = strictcbor.New(strictcbor.Limits{Depth: 4, Items: standingItems * standingPages, Pairs: 16})

// archiveFile is the file: every entry that the centre holds of a patient, as
// docs/formats/entry.md says.
//
//	[ version, patient bstr(8), made at int, [ parts ], [ other sealed entries bstr ] ]
type archiveFile struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Patient record.PatientID
	At      int64 // POSIX seconds
	Parts   []archivePart
	Others  [][]byte // that do not pass their checks: kept as they are
}

// archivePart is an envelope archive of entries of one person.
type archivePart struct {
	_       struct{} `cbor:",toarray"`
	Person  uint64
	Archive []byte
}

// Archived says what an archive holds.
type Archived struct {
	Patient record.PatientID
	At      time.Time
	Entries [][]byte // sealed, byte for byte as the centre took them
	Sound   int      // of them, entries whose author's signature counts
}

// Archive packs all entries of a patient into one file, with every author's
// signature. It is read again, and compared with the entries, before it is
// returned. It owes store.ErrNotFound.
func (a *Authority) Archive(ctx context.Context, id record.PatientID, now time.Time) ([]byte, *Archived, error) {
	raw, err := a.archive(ctx, id, now)
	if err != nil {
		return nil, nil, fmt.Errorf("archive patient: %w", err)
	}
	back, err := a.ReadArchive(ctx, raw)
	if err != nil {
		return nil, nil, err
	}
	held := make(map[record.EntryID]bool, len(back.Entries))
	for _, e := range back.Entries {
		held[envelope.IDOf(e)] = true
	}
	lost := false
	if err := a.eachEntry(ctx, id, func(sealed []byte) { lost = lost || !held[envelope.IDOf(sealed)] }); err != nil {
		return nil, nil, fmt.Errorf("archive patient: %w", err)
	}
	if lost {
		return nil, nil, fmt.Errorf("archive patient: an entry came meanwhile, or is not in the archive: %w", ErrArchive)
	}
	return raw, back, nil
}

func (a *Authority) archive(ctx context.Context, id record.PatientID, now time.Time) ([]byte, error) {
	p, err := a.openPatient(ctx, id)
	if err != nil {
		return nil, err
	}
	defer p.roots.Wipe()
	file := archiveFile{Version: archiveVersion, Patient: id, At: now.Unix(), Others: [][]byte{}}
	sound := make(map[uint8][]*envelope.Sealed)
	err = a.eachEntry(ctx, id, func(raw []byte) {
		if s := a.checked(raw, &p.subjects); s != nil {
			sound[s.Person()] = append(sound[s.Person()], s)
		} else {
			file.Others = append(file.Others, raw)
		}
	})
	if err != nil {
		return nil, err
	}
	for _, person := range p.subjects.Persons() {
		subject, keys, err := p.keys(person)
		if err != nil {
			return nil, err
		}
		err = file.pack(subject, keys, sound[person])
		keys.Wipe()
		if err != nil {
			return nil, err
		}
	}
	raw, err := archiveCodec.Marshal(&file)
	if err == nil && len(raw) > MaxArchiveFile {
		err = fmt.Errorf("%d bytes: %w", len(raw), envelope.ErrTooLarge)
	}
	return raw, err
}

// pack adds the entries of one person, in parts that are not too long. One whose
// sections do not open stands with the others.
func (f *archiveFile) pack(subject envelope.Subject, keys *envelope.Keys, entries []*envelope.Sealed) error {
	var part []*envelope.Sealed
	size := 0
	flush := func() error {
		if len(part) == 0 {
			return nil
		}
		packed, err := envelope.Archive(subject, keys, part, rand.Reader)
		if err != nil {
			return err
		}
		f.Parts = append(f.Parts, archivePart{Person: uint64(subject.Person), Archive: packed})
		part, size = nil, 0
		return nil
	}
	for _, s := range entries {
		if _, locked, err := s.OpenAll(keys); err != nil || len(locked) > 0 {
			f.Others = append(f.Others, s.Raw())
			continue
		}
		if len(part) == archiveEntries || size+len(s.Raw()) > envelope.MaxArchive/2 {
			if err := flush(); err != nil {
				return err
			}
		}
		part, size = append(part, s), size+len(s.Raw())
	}
	return flush()
}

// parseArchive reads the file without opening its parts. It owes ErrArchive.
func parseArchive(raw []byte) (*archiveFile, error) {
	if len(raw) > MaxArchiveFile {
		return nil, fmt.Errorf("%d bytes: %w", len(raw), ErrArchive)
	}
	file := new(archiveFile)
	if err := archiveCodec.Unmarshal(raw, file); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrArchive, err)
	}
	if file.Version != archiveVersion || len(file.Parts) > maxArchiveParts {
		return nil, fmt.Errorf("version or number of parts: %w", ErrArchive)
	}
	for i, part := range file.Parts {
		if part.Person > envelope.MaxPerson || len(part.Archive) == 0 || len(part.Archive) > envelope.MaxArchive {
			return nil, fmt.Errorf("part %d: %w", i, ErrArchive)
		}
	}
	for i, other := range file.Others {
		if len(other) == 0 || len(other) > envelope.MaxSealed {
			return nil, fmt.Errorf("entry %d that is not packed: %w", i, ErrArchive)
		}
	}
	return file, nil
}

// ReadArchive unpacks an archive and checks the author of every entry. It owes
// ErrArchive for what is none, or was made under other keys, and
// store.ErrNotFound for a patient whom this centre does not know.
func (a *Authority) ReadArchive(ctx context.Context, raw []byte) (*Archived, error) {
	file, err := parseArchive(raw)
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	p, err := a.openPatient(ctx, file.Patient)
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	defer p.roots.Wipe()
	out := &Archived{Patient: file.Patient, At: time.Unix(file.At, 0).UTC()}
	for i, part := range file.Parts {
		subject, keys, err := p.keys(uint8(part.Person)) // #nosec G115 -- bounded by parseArchive
		if err != nil {
			return nil, fmt.Errorf("read archive, part %d: %w: %w", i, ErrArchive, err)
		}
		entries, err := envelope.Unarchive(subject, keys, part.Archive)
		keys.Wipe()
		if err != nil {
			return nil, fmt.Errorf("read archive, part %d: %w: %w", i, ErrArchive, err)
		}
		for _, e := range entries {
			if a.checked(e, &p.subjects) == nil {
				return nil, fmt.Errorf("read archive, part %d: an entry does not pass its checks: %w", i, ErrArchive)
			}
		}
		out.Entries = append(out.Entries, entries...)
	}
	out.Sound = len(out.Entries)
	out.Entries = append(out.Entries, file.Others...)
	return out, nil
}

// RestoreArchive puts back what the centre does not hold any more of an
// archive's entries, and says how many those were. Entries that do not pass
// their checks stay in the archive. It owes what ReadArchive owes.
func (a *Authority) RestoreArchive(ctx context.Context, raw []byte, now time.Time) (*Archived, int, error) {
	back, err := a.ReadArchive(ctx, raw)
	if err != nil {
		return nil, 0, err
	}
	ids, err := a.store.IDs(ctx, back.Patient)
	if err != nil {
		return nil, 0, fmt.Errorf("restore archive: %w", err)
	}
	var missing []store.Item
	var content bytes.Buffer
	for _, e := range back.Entries[:back.Sound] {
		id := envelope.IDOf(e)
		if slices.Contains(ids, id) {
			continue
		}
		s, err := envelope.Parse(e)
		if err != nil {
			return nil, 0, fmt.Errorf("restore archive: %w", err)
		}
		content.Write(id[:])
		missing = append(missing, store.Item{ID: id, Patient: back.Patient, Time: s.Time(), Author: s.KID(), Sealed: e})
	}
	if len(missing) == 0 {
		return back, 0, nil
	}
	sum := sha256.Sum256(content.Bytes()) // the same entries are the same batch
	batch := &store.Batch{Batch: [16]byte(sum[:16]), Content: sum, Received: now, Items: missing}
	if _, err := a.store.Accept(ctx, batch); err != nil {
		return nil, 0, fmt.Errorf("restore archive: %w", err)
	}
	return back, len(missing), nil
}

// checked returns an entry whose author's signature counts, nil for any other.
func (a *Authority) checked(raw []byte, subjects *envelope.Subjects) *envelope.Sealed {
	s, err := envelope.Parse(raw)
	if err != nil {
		return nil
	}
	subject, err := subjects.Of(s.Person())
	if err != nil {
		return nil
	}
	author, err := a.trust.Author(s.KID(), s.Time())
	if err != nil || s.Verify(subject, author.Public) != nil {
		return nil
	}
	return s
}
