package authority

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/dhamani-iq/dhamani/crypto/envelope"
	"github.com/dhamani-iq/dhamani/record"
)

func archiveFiles() []archiveFile {
	whole := archiveFile{
		Version: archiveVersion, Patient: record.PatientID{1, 2}, At: 1_800_000_000,
		Parts: []archivePart{{Person: 0, Archive: []byte{1, 2, 3}}, {Person: 15, Archive: make([]byte, 300)}}, Others: [][]byte{{4}, make([]byte, 30)},
	}
	empty := archiveFile{Version: archiveVersion, Parts: []archivePart{}, Others: [][]byte{}}
	return []archiveFile{whole, empty}
}

func TestParseArchiveRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*archiveFile){
		"version":        func(f *archiveFile) { f.Version++ },
		"person":         func(f *archiveFile) { f.Parts[0].Person = 16 },
		"part too long":  func(f *archiveFile) { f.Parts[0].Archive = make([]byte, envelope.MaxArchive+1) },
		"many parts":     func(f *archiveFile) { f.Parts = slices.Repeat(f.Parts[:1], maxArchiveParts+1) },
		"entry too long": func(f *archiveFile) { f.Others[0] = make([]byte, envelope.MaxSealed+1) },
		"empty entry":    func(f *archiveFile) { f.Others[0] = nil },
		"empty part":     func(f *archiveFile) { f.Parts[1].Archive = []byte{} },
	} {
		t.Run(name, func(t *testing.T) {
			file := archiveFiles()[0]
			spoil(&file)
			raw, err := archiveCodec.Marshal(&file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parseArchive(raw); !errors.Is(err, ErrArchive) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func FuzzParseArchive(f *testing.F) {
	for _, file := range archiveFiles() {
		raw, err := archiveCodec.Marshal(&file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(append(raw, 0))
		f.Add(raw[:len(raw)-1])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := parseArchive(raw)
		if err != nil {
			if !errors.Is(err, ErrArchive) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if again, err := archiveCodec.Marshal(file); err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%x is written again as %x, %v", raw, again, err)
		}
	})
}
