package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// View implements store.Registry.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) error {
	return s.snapshot(ctx, func(tx *sql.Tx) error { return fn(&registry{ctx: ctx, db: tx}) })
}

// Update implements store.Registry.
func (s *Store) Update(ctx context.Context, fn func(store.Writer) error) error {
	return s.submit(ctx, &job{entries: 1, guarded: true, run: func(ctx context.Context) error {
		return fn(&registry{ctx: ctx, db: s.conn})
	}})
}

// querier is what *sql.Tx and *sql.Conn have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// registry reads and writes the registry in one transaction.
type registry struct {
	ctx context.Context //nolint:containedctx // lives as long as the one call that it serves
	db  querier
}

var _ store.Writer = (*registry)(nil)

// one reads a single row, or store.ErrNotFound.
func one[T any](r *registry, what string, read func(scanFunc) (T, error), query string, args ...any) (T, error) {
	var zero T
	all, err := many(r, what, read, query, args...)
	if err != nil {
		return zero, err
	}
	if len(all) == 0 {
		return zero, fmt.Errorf("%s: %w", what, store.ErrNotFound)
	}
	return all[0], nil
}

func many[T any](r *registry, what string, read func(scanFunc) (T, error), query string, args ...any) ([]T, error) {
	rows, err := r.db.QueryContext(r.ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	out, err := collect(rows, read)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return out, nil
}

// write runs a statement; a unique key that is taken is store.ErrExists.
func (r *registry) write(what, query string, args ...any) error {
	_, err := r.db.ExecContext(r.ctx, query, args...)
	var failed *sqlite.Error
	if errors.As(err, &failed) && (failed.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || failed.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE) {
		return fmt.Errorf("%s: %w", what, store.ErrExists)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

const patientColumns = "id, subject, keys, identity, cover, created, updated"

func readPatient(scan scanFunc) (p store.Patient, err error) {
	err = scan(fixed(p.ID[:]), &p.Subjects, &p.Keys, &p.Identity, &p.Cover, at(&p.Created), at(&p.Updated))
	return p, err
}

func (r *registry) Patient(id record.PatientID) (store.Patient, error) {
	return one(r, "patient", readPatient, "SELECT "+patientColumns+" FROM patients WHERE id = ?", patientKey(id))
}

func (r *registry) Patients(after record.PatientID, limit int) ([]store.Patient, error) {
	return many(r, "patients", readPatient, "SELECT "+patientColumns+" FROM patients WHERE id > ? ORDER BY id LIMIT ?", patientKey(after), limit)
}

func (r *registry) AddPatient(p store.Patient) error {
	return r.write("patient", "INSERT INTO patients ("+patientColumns+") VALUES (?, ?, ?, ?, ?, ?, ?)", patientArgs(p)...)
}

func (r *registry) PutPatient(p store.Patient) error {
	return r.write("patient", "INSERT INTO patients ("+patientColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET subject = excluded.subject, keys = excluded.keys, identity = excluded.identity,
		cover = excluded.cover, created = excluded.created, updated = excluded.updated`, patientArgs(p)...)
}

func patientArgs(p store.Patient) []any {
	return []any{patientKey(p.ID), nonNil(p.Subjects), nonNil(p.Keys), nonNil(p.Identity), nonNil(p.Cover), unix(p.Created), unix(p.Updated)}
}

const cardColumns = "id, patient, facility, key, issued, not_after, blocked"

func readCard(scan scanFunc) (c store.Card, err error) {
	err = scan(fixed(c.ID[:]), fixed(c.Patient[:]), &c.Facility, fixed(c.Key[:]), at(&c.Issued), at(&c.NotAfter), at(&c.Blocked))
	return c, err
}

func (r *registry) Card(id [8]byte) (store.Card, error) {
	return one(r, "card", readCard, "SELECT "+cardColumns+" FROM cards WHERE id = ?", id[:])
}

func (r *registry) CardsOf(patient record.PatientID) ([]store.Card, error) {
	return many(r, "cards", readCard, "SELECT "+cardColumns+" FROM cards WHERE patient = ? ORDER BY issued, id", patientKey(patient))
}

func (r *registry) AddCard(c store.Card) error {
	return r.write("card", "INSERT INTO cards ("+cardColumns+") VALUES (?, ?, ?, ?, ?, ?, ?)", cardArgs(c)...)
}

func (r *registry) PutCard(c store.Card) error {
	return r.write("card", "INSERT OR REPLACE INTO cards ("+cardColumns+") VALUES (?, ?, ?, ?, ?, ?, ?)", cardArgs(c)...)
}

func cardArgs(c store.Card) []any {
	return []any{c.ID[:], patientKey(c.Patient), c.Facility, c.Key[:], unix(c.Issued), unix(c.NotAfter), unix(c.Blocked)}
}

func (r *registry) AddRelease(v store.Release) error {
	return r.write("release", "INSERT INTO releases (at, facility, author, card, patient, operator, role, proof, reason, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		unix(v.At), v.Facility, v.Author[:], v.Card[:], patientKey(v.Patient), v.Operator[:], v.Role, v.Proof, v.Reason, v.Order[:])
}

func (r *registry) ReleasesTo(operator [4]byte, since time.Time) (int, error) {
	return one(r, "releases", func(scan scanFunc) (n int, err error) {
		err = scan(&n)
		return n, err
	}, "SELECT count(*) FROM releases WHERE operator = ? AND at >= ?", operator[:], unix(since))
}

func (r *registry) Releases(before uint64, limit int) ([]store.Release, error) {
	return many(r, "releases", func(scan scanFunc) (v store.Release, err error) {
		err = scan(&v.Number, at(&v.At), &v.Facility, fixed(v.Author[:]), fixed(v.Card[:]), fixed(v.Patient[:]),
			fixed(v.Operator[:]), &v.Role, &v.Proof, &v.Reason, fixed(v.Order[:]))
		return v, err
	}, "SELECT n, at, facility, author, card, patient, operator, role, proof, reason, digest FROM releases WHERE n < ? ORDER BY n DESC LIMIT ?", newest(before), limit)
}

func (r *registry) LogState(card [8]byte, seq uint32, chain [16]byte) (store.LogState, error) {
	return one(r, "log state", func(scan scanFunc) (v store.LogState, err error) {
		err = scan(fixed(v.Card[:]), &v.Seq, fixed(v.Chain[:]), at(&v.At), &v.Facility)
		return v, err
	}, "SELECT card, seq, chain, at, facility FROM log_states WHERE card = ? AND seq = ? AND chain = ?", card[:], seq, chain[:])
}

func (r *registry) AddLogState(v store.LogState) error {
	err := r.write("log state", "INSERT INTO log_states (card, seq, chain, at, facility) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		v.Card[:], v.Seq, v.Chain[:], unix(v.At), v.Facility)
	if err != nil {
		return err
	}
	return r.write("log state", `DELETE FROM log_states WHERE card = ?1 AND facility = ?2 AND (seq, chain) IN (
		SELECT seq, chain FROM log_states WHERE card = ?1 AND facility = ?2 ORDER BY at DESC, seq DESC LIMIT -1 OFFSET ?3)`,
		v.Card[:], v.Facility, store.MaxLogStates)
}

const facilityColumns = "number, name, role, created, revoked"

func readFacility(scan scanFunc) (f store.Facility, err error) {
	err = scan(&f.Number, &f.Name, &f.Role, at(&f.Created), at(&f.Revoked))
	return f, err
}

func (r *registry) Facility(number uint32) (store.Facility, error) {
	return one(r, "facility", readFacility, "SELECT "+facilityColumns+" FROM facilities WHERE number = ?", number)
}

func (r *registry) Facilities() ([]store.Facility, error) {
	return many(r, "facilities", readFacility, "SELECT "+facilityColumns+" FROM facilities ORDER BY number")
}

func (r *registry) PutFacility(f store.Facility) error {
	return r.write("facility", "INSERT INTO facilities ("+facilityColumns+`) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (number) DO UPDATE SET name = excluded.name, role = excluded.role, created = excluded.created, revoked = excluded.revoked`,
		f.Number, f.Name, f.Role, unix(f.Created), unix(f.Revoked))
}

const workstationColumns = "tls_key, author, facility, name, role, created, expires, revoked"

func readWorkstation(scan scanFunc) (w store.Workstation, err error) {
	err = scan(fixed(w.TLSKey[:]), fixed(w.Author[:]), &w.Facility, &w.Name, &w.Role, at(&w.Created), at(&w.Expires), at(&w.Revoked))
	return w, err
}

func (r *registry) Workstation(tlsKey [32]byte) (store.Workstation, error) {
	return one(r, "workstation", readWorkstation, "SELECT "+workstationColumns+" FROM workstations WHERE tls_key = ?", tlsKey[:])
}

func (r *registry) WorkstationByAuthor(kid [4]byte) (store.Workstation, error) {
	return one(r, "workstation", readWorkstation, "SELECT "+workstationColumns+" FROM workstations WHERE author = ?", kid[:])
}

func (r *registry) Workstations() ([]store.Workstation, error) {
	return many(r, "workstations", readWorkstation, "SELECT "+workstationColumns+" FROM workstations ORDER BY facility, created, tls_key")
}

func (r *registry) AddWorkstation(w store.Workstation) error {
	return r.write("workstation", "INSERT INTO workstations ("+workstationColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?)", workstationArgs(w)...)
}

func (r *registry) PutWorkstation(w store.Workstation) error {
	return r.write("workstation", "INSERT INTO workstations ("+workstationColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tls_key) DO UPDATE SET author = excluded.author, facility = excluded.facility, name = excluded.name,
		role = excluded.role, created = excluded.created, expires = excluded.expires, revoked = excluded.revoked`, workstationArgs(w)...)
}

func workstationArgs(w store.Workstation) []any {
	return []any{w.TLSKey[:], w.Author[:], w.Facility, w.Name, w.Role, unix(w.Created), unix(w.Expires), unix(w.Revoked)}
}

const operatorColumns = "author, facility, name, role, created, expires, revoked"

func readOperator(scan scanFunc) (o store.Operator, err error) {
	err = scan(fixed(o.Author[:]), &o.Facility, &o.Name, &o.Role, at(&o.Created), at(&o.Expires), at(&o.Revoked))
	return o, err
}

func (r *registry) Operator(kid [4]byte) (store.Operator, error) {
	return one(r, "operator", readOperator, "SELECT "+operatorColumns+" FROM operators WHERE author = ?", kid[:])
}

func (r *registry) Operators() ([]store.Operator, error) {
	return many(r, "operators", readOperator, "SELECT "+operatorColumns+" FROM operators ORDER BY facility, created, author")
}

func (r *registry) PutOperator(o store.Operator) error {
	return r.write("operator", "INSERT OR REPLACE INTO operators ("+operatorColumns+") VALUES (?, ?, ?, ?, ?, ?, ?)",
		o.Author[:], o.Facility, o.Name, o.Role, unix(o.Created), unix(o.Expires), unix(o.Revoked))
}

func (r *registry) List(name string) (store.List, error) {
	return one(r, "list", func(scan scanFunc) (l store.List, err error) {
		err = scan(&l.Name, &l.Version, &l.Raw, at(&l.Issued))
		return l, err
	}, "SELECT name, version, raw, issued FROM lists WHERE name = ?", name)
}

func (r *registry) PutList(l store.List) error {
	return r.write("list", "INSERT OR REPLACE INTO lists (name, version, raw, issued) VALUES (?, ?, ?, ?)",
		l.Name, int64(l.Version), nonNil(l.Raw), unix(l.Issued)) // #nosec G115 -- versions count up from 1
}
