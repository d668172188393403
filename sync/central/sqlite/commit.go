package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/dhamani-iq/dhamani/record"
)

// errPanic is what the jobs of a transaction get when one of them panicked.
var errPanic = errors.New("commit abandoned")

// submit queues a job and returns when its transaction is durable or has
// failed. Once queued a job is not given up: its caller's ctx counts only before.
func (s *Store) submit(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.turn = make(chan bool, 1)
	leads, err := s.queue.enter(j, s.opts.QueueEntries, s.opts.QueueBytes)
	if err != nil {
		return err
	}
	if !leads && !<-j.turn {
		return j.err
	}
	ctx = context.WithoutCancel(ctx)
	s.wake(ctx, s.lead(ctx))
	return j.err
}

// lead commits one round of jobs, the caller's among them, hands the lead on,
// and returns the patients who have new entries.
func (s *Store) lead(ctx context.Context) []record.PatientID {
	jobs := s.queue.take(s.opts.CommitEntries)
	begin := time.Now()
	entries := 0
	for _, j := range jobs {
		entries += j.entries
	}
	finished := false
	defer func() {
		if !finished {
			s.abandon(ctx, jobs, errPanic)
		}
		s.queue.leave(entries, time.Since(begin))
		for _, j := range jobs[1:] {
			j.turn <- false
		}
	}()
	if err := s.commit(ctx, jobs); err != nil {
		s.abandon(ctx, jobs, err)
	}
	finished = true
	return s.hot.takeFresh()
}

// commit runs the jobs in one transaction. The first job of a round is always
// its leader's; ctx cannot be cancelled.
func (s *Store) commit(ctx context.Context, jobs []*job) error {
	if _, err := s.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin commit: %w", err)
	}
	for _, j := range jobs {
		if !j.guarded {
			if err := j.run(ctx); err != nil {
				return fmt.Errorf("write batch: %w", err)
			}
			continue
		}
		if _, err := s.conn.ExecContext(ctx, "SAVEPOINT job"); err != nil {
			return fmt.Errorf("begin update: %w", err)
		}
		end := "RELEASE job"
		if j.err = j.run(ctx); j.err != nil {
			end = "ROLLBACK TO job; RELEASE job"
		}
		if _, err := s.conn.ExecContext(ctx, end); err != nil {
			return fmt.Errorf("end update: %w", err)
		}
	}
	if _, err := s.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	s.known.settle(true)
	return nil
}

// abandon rolls the transaction back and gives every job the error.
func (s *Store) abandon(ctx context.Context, jobs []*job, err error) {
	_, _ = s.conn.ExecContext(ctx, "ROLLBACK") // fails when there is no transaction any more
	s.known.settle(false)
	s.hot.takeFresh()
	for _, j := range jobs {
		j.err = err
	}
}

// hotStatements are the statements of Accept, prepared in the driver: the way
// through database/sql costs as much as the insert itself.
type hotStatements struct {
	insert, interest, batch, replay, quarantine driver.Stmt
	fresh                                       []record.PatientID // of the transaction under way
}

func prepareHot(ctx context.Context, conn *sql.Conn) (*hotStatements, error) {
	h := new(hotStatements)
	err := conn.Raw(func(dc any) error {
		for query, into := range map[string]*driver.Stmt{
			`INSERT INTO records (patient, id, author, facility, made, received, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (patient, id) DO NOTHING`: &h.insert,
			`INSERT INTO interest (facility, patient, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`: &h.interest,
			`INSERT INTO batches (facility, batch, content, received, receipt, statuses, codes)
				VALUES (?, ?, ?, ?, ?, ?, ?)`: &h.batch,
			`SELECT content, receipt, statuses, codes FROM batches WHERE facility = ? AND batch = ?`: &h.replay,
			`INSERT INTO quarantine (received, facility, patient, id, code, sealed, size) VALUES (?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT DO NOTHING`: &h.quarantine,
		} {
			stmt, err := dc.(driver.ConnPrepareContext).PrepareContext(ctx, query)
			if err != nil {
				return err
			}
			*into = stmt
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("prepare statements: %w", err)
	}
	return h, nil
}

func (h *hotStatements) close(conn *sql.Conn) error {
	return conn.Raw(func(any) error {
		var errs []error
		for _, stmt := range []driver.Stmt{h.insert, h.interest, h.batch, h.replay, h.quarantine} {
			errs = append(errs, stmt.Close())
		}
		return errors.Join(errs...)
	})
}

func (h *hotStatements) takeFresh() []record.PatientID {
	fresh := h.fresh
	h.fresh = nil
	return fresh
}

// exec runs a prepared statement and returns the number of rows changed.
func exec(ctx context.Context, stmt driver.Stmt, args ...driver.NamedValue) (int64, error) {
	res, err := stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// values numbers the arguments of a prepared statement.
func values(args ...driver.Value) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, v := range args {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out
}
