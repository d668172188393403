package sqlite

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

const fingerColumns = "n, patient, sealed, updated, searched"

func readFingers(scan scanFunc) (f store.Fingers, err error) {
	err = scan(&f.Number, fixed(f.Patient[:]), &f.Sealed, at(&f.Updated), &f.Searched)
	return f, err
}

func (r *registry) Fingers(patient record.PatientID) (store.Fingers, error) {
	return one(r, "fingers", readFingers, "SELECT "+fingerColumns+" FROM fingers WHERE patient = ?", patientKey(patient))
}

func (r *registry) FingersBehind(after uint64, limit int) ([]store.Fingers, error) {
	return many(r, "fingers", readFingers, "SELECT "+fingerColumns+" FROM fingers WHERE n > ? ORDER BY n LIMIT ?",
		int64(min(after, math.MaxInt64)), limit) // #nosec G115 -- bounded
}

func (r *registry) FingersPending(after uint64, limit int) ([]store.Fingers, error) {
	return many(r, "fingers", readFingers, "SELECT "+fingerColumns+" FROM fingers WHERE searched = 0 AND n > ? ORDER BY n LIMIT ?",
		int64(min(after, math.MaxInt64)), limit) // #nosec G115 -- bounded
}

func (r *registry) PutFingers(f store.Fingers) error {
	return r.write("fingers", `INSERT INTO fingers (n, patient, sealed, updated, searched)
		VALUES ((SELECT coalesce(max(n), 0) + 1 FROM fingers), ?, ?, ?, ?)
		ON CONFLICT (patient) DO UPDATE SET n = excluded.n, sealed = excluded.sealed, updated = excluded.updated, searched = excluded.searched`,
		patientKey(f.Patient), nonNil(f.Sealed), unix(f.Updated), len(f.Sealed) == 0)
}

func (r *registry) MarkSearched(patient record.PatientID, number uint64) error {
	return r.write("fingers", "UPDATE fingers SET searched = 1 WHERE patient = ? AND n = ?",
		patientKey(patient), int64(min(number, math.MaxInt64))) // #nosec G115 -- bounded
}

const reviewColumns = "n, raised, patient, other, score, people, fingers, closed, decision, decider, note"

func readReview(scan scanFunc) (v store.Review, err error) {
	var fingers []byte
	err = scan(&v.Number, at(&v.Raised), fixed(v.Patient[:]), fixed(v.Other[:]), &v.Score, &v.People, &fingers,
		at(&v.Closed), &v.Decision, &v.By, &v.Note)
	if err != nil {
		return v, err
	}
	if len(fingers)%fingerScoreLen != 0 {
		return v, fmt.Errorf("fingers of a review in %d bytes: %w", len(fingers), store.ErrCorrupt)
	}
	for ; len(fingers) > 0; fingers = fingers[fingerScoreLen:] {
		v.Fingers = append(v.Fingers, store.FingerScore{Finger: fingers[0], Score: binary.BigEndian.Uint16(fingers[1:])})
	}
	return v, nil
}

// fingerScoreLen is the length of one finger's score in the fingers of a review.
const fingerScoreLen = 3

func fingerScores(list []store.FingerScore) []byte {
	out := make([]byte, 0, fingerScoreLen*len(list))
	for _, f := range list {
		out = binary.BigEndian.AppendUint16(append(out, f.Finger), f.Score)
	}
	return out
}

func (r *registry) Review(number uint64) (store.Review, error) {
	return one(r, "review", readReview, "SELECT "+reviewColumns+" FROM reviews WHERE n = ?", int64(min(number, math.MaxInt64))) // #nosec G115 -- bounded
}

func (r *registry) Reviews(before uint64, limit int, open bool) ([]store.Review, error) {
	which := ""
	if open {
		which = "closed = 0 AND "
	}
	return many(r, "reviews", readReview, "SELECT "+reviewColumns+" FROM reviews WHERE "+which+"n < ? ORDER BY n DESC LIMIT ?", newest(before), limit)
}

// newest is the number below which a list begins; 0 stands for the newest.
func newest(before uint64) int64 {
	if before == 0 || before > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(before)
}

func (r *registry) ReviewsOf(a, b record.PatientID) ([]store.Review, error) {
	return many(r, "reviews", readReview, "SELECT "+reviewColumns+
		" FROM reviews WHERE patient = ?1 AND other = ?2 OR patient = ?2 AND other = ?1 ORDER BY n DESC", patientKey(a), patientKey(b))
}

func (r *registry) AddReview(v store.Review) error {
	return r.write("review", "INSERT INTO reviews (raised, patient, other, score, people, fingers, closed, decision, decider, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		reviewArgs(v)...)
}

func reviewArgs(v store.Review) []any {
	return []any{
		unix(v.Raised), patientKey(v.Patient), patientKey(v.Other), v.Score, int64(min(v.People, math.MaxInt64)), // #nosec G115 -- bounded
		fingerScores(v.Fingers), unix(v.Closed), v.Decision, v.By, nonNil(v.Note),
	}
}

func (r *registry) PutReview(v store.Review) error {
	if _, err := r.Review(v.Number); err != nil {
		return err
	}
	return r.write("review", `UPDATE reviews SET raised = ?, patient = ?, other = ?, score = ?, people = ?, fingers = ?,
		closed = ?, decision = ?, decider = ?, note = ? WHERE n = ?`, append(reviewArgs(v), int64(v.Number))...) // #nosec G115 -- it was found
}

func (r *registry) AddLook(v store.Look) error {
	return r.write("look", "INSERT INTO looks (at, who, what, review) VALUES (?, ?, ?, ?)",
		unix(v.At), v.Who, v.What, int64(min(v.Review, math.MaxInt64))) // #nosec G115 -- bounded
}

func (r *registry) Looks(before uint64, limit int) ([]store.Look, error) {
	return many(r, "looks", func(scan scanFunc) (v store.Look, err error) {
		err = scan(&v.Number, at(&v.At), &v.Who, &v.What, &v.Review)
		return v, err
	}, "SELECT n, at, who, what, review FROM looks WHERE n < ? ORDER BY n DESC LIMIT ?", newest(before), limit)
}
