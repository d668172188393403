package dedup

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/identify"
	"github.com/dhamani-iq/dhamani/internal/logkey"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/authority"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// personOf is a patient in the index, patientOf its inverse: the identifier's
// eight bytes as a number.
func personOf(p record.PatientID) uint64 { return binary.BigEndian.Uint64(p[:]) }

func patientOf(person uint64) (p record.PatientID) {
	binary.BigEndian.PutUint64(p[:], person)
	return p
}

// toldEvery is how many people come into the index between two lines of the log.
const toldEvery = 10_000

// follow takes over what has changed in the store since the last time: page by
// page, from the beginning at the first. It is the store's feed that says what
// other processes do, too.
func (f *Finder) follow(ctx context.Context) error {
	begin, fresh := time.Now(), f.at == 0
	for {
		var changed []store.Fingers
		err := f.st.View(ctx, func(r store.Reader) (err error) {
			changed, err = r.FingersBehind(f.at, page)
			return err
		})
		if err != nil {
			return err
		}
		if len(changed) == 0 {
			break
		}
		if f.index == nil {
			f.index = identify.New(share())
		}
		if err := f.take(ctx, changed); err != nil {
			return err
		}
		f.at = changed[len(changed)-1].Number
		if n := f.index.Len(); n >= f.told+toldEvery {
			f.told = n
			f.log.InfoContext(ctx, "fingers are being read into the index", logkey.Count, n, logkey.Took, time.Since(begin))
		}
	}
	if fresh && f.index != nil {
		f.log.InfoContext(ctx, "index of fingers is ready", logkey.Count, f.index.Len(), logkey.Took, time.Since(begin))
	}
	return nil
}

// take takes over a page, each patient of which is another one. Who cannot be
// read is left out of the index and counted in the log.
func (f *Finder) take(ctx context.Context, changed []store.Fingers) error {
	var unread atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(share())
	for _, one := range changed {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			f.index.Delete(personOf(one.Patient))
			templates, err := f.auth.OpenFingers(one)
			if err == nil && len(templates) > 0 {
				err = f.index.Enrol(personOf(one.Patient), templates...)
			}
			if err != nil {
				unread.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	if n := unread.Load(); n > 0 {
		f.log.ErrorContext(ctx, "fingers cannot be read: nobody is compared with them", logkey.Count, n)
	}
	return err
}

// doubles makes of what a search found among a number of people what may be the
// same person: whoever reaches the score of a false alarm in a hundred searches.
func doubles(one store.Fingers, templates []*fmr.Template, hits []identify.Hit, people int) []authority.Double {
	var out []authority.Double
	for _, h := range hits {
		if h.Person == personOf(one.Patient) || float64(h.Score) < identify.Alarm(people) || len(out) == mostHits {
			continue
		}
		d := authority.Double{Patient: patientOf(h.Person), Score: float64(h.Score), People: uint64(people)} // #nosec G115 -- not negative
		for i, t := range templates {
			d.Fingers = append(d.Fingers, authority.ScoreOf(t.Views[0].Position, float64(h.Each[i])))
		}
		out = append(out, d)
	}
	return out
}
