package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/agent"
	"github.com/dhamani-iq/dhamani/agent/home"
	"github.com/dhamani-iq/dhamani/agent/localapi"
	"github.com/dhamani-iq/dhamani/agent/personalise"
	"github.com/dhamani-iq/dhamani/card/softcard"
	fixtures "github.com/dhamani-iq/dhamani/firmware-fixtures"
	"github.com/dhamani-iq/dhamani/internal/wait"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/record/fhir"
	"github.com/dhamani-iq/dhamani/record/terms"
)

const demoPatient = "patients/amina.json"

// importPatient reads the Bundle of the patient.
func (d *demo) importPatient(context.Context) (string, error) {
	bundle, err := d.bundle()
	if err != nil {
		return "", err
	}
	d.world.patient = bundle
	return fmt.Sprintf("%s, %d encounters", latinName(bundle.Identity), len(bundle.Entries)), nil
}

func (d *demo) bundle() (*fhir.Bundle, error) {
	if d.opts.bundle != "" {
		bundle, _, err := readBundle(d.opts.bundle, d.in)
		return bundle, err
	}
	f, err := fixtures.FS.Open(demoPatient)
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	bundle, _, err := fhir.Import(f)
	return bundle, err
}

// personalise plugs a blank card into the first reader and fills it.
func (d *demo) personalise(ctx context.Context) (string, error) {
	w := d.world
	station, err := home.Load(w.stationDir())
	if err != nil {
		return "", err
	}
	centre, err := station.Client(nil, w.log)
	if err != nil {
		return "", err
	}
	w.card = softcard.New(softcard.Options{Extended: true})
	if err := w.plug(ctx, 0); err != nil {
		return "", err
	}
	if err := w.waitCard(ctx, 0, true); err != nil {
		return "", err
	}
	desk := personalise.Station{Readers: w.pcsc, Centre: centre, Author: station.Author, Fingers: w.fingers, Records: w.records}
	if w.issued, err = desk.Issue(ctx, w.readers[0].name, w.patient); err != nil {
		return "", err
	}
	return fmt.Sprintf("card %s, %d of %d entries on it, %d bytes", w.issued.Card, w.issued.OnCard, len(w.issued.Entries), w.issued.Bytes), w.unplug(ctx)
}

// plug puts the card into a virtual reader and waits until PC/SC sees it.
func (w *world) plug(ctx context.Context, reader int) (err error) {
	// The virtual reader refuses a card until it has noticed that the last one
	// has gone, which takes up to one of its polls.
	deadline := time.Now().Add(patience)
	for {
		if w.slot, err = w.card.Plug(ctx, w.readers[reader].addr); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("plug the card in: %w", err)
		}
		if err := wait.For(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// unplug takes the card out and waits until PC/SC has seen that.
func (w *world) unplug(ctx context.Context) error {
	w.slot.Remove()
	w.slot = nil
	for i := range w.readers {
		if err := w.waitCard(ctx, i, false); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) waitCard(ctx context.Context, reader int, present bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		list, err := w.pcsc.List(ctx)
		if err != nil {
			return err
		}
		for _, r := range list {
			if r.Name == w.readers[reader].name && r.Present == present {
				return nil
			}
		}
		if err := wait.For(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("reader %q does not report the card: %w", w.readers[reader].name, err)
		}
	}
}

func (d *demo) startFirst(ctx context.Context) (string, error) {
	took, err := d.world.start(ctx, d.world.first)
	return fmt.Sprintf("ready after %v", took.Round(time.Millisecond)), err
}

func (d *demo) centreOff(context.Context) (string, error) {
	if !d.opts.offline {
		return "", errSkipped
	}
	centre := d.world.centre
	d.world.centre = nil
	return "the agent works on alone", centre.stop()
}

func (d *demo) centreOn(ctx context.Context) (string, error) {
	if !d.opts.offline {
		return "", errSkipped
	}
	status, err := d.world.first.api.Sync(ctx)
	if err != nil {
		return "", err
	}
	if status.Outbox == 0 {
		return "", errors.New("the outbox is empty though the centre was off")
	}
	return fmt.Sprintf("%d entry waited in the outbox", status.Outbox), d.world.serveCentre(ctx, strings.TrimPrefix(d.world.centreURL, "https://"))
}

// tapFirst taps the card at the first agent and waits for the whole record.
func (d *demo) tapFirst(ctx context.Context) (string, error) {
	visit, err := d.world.tap(ctx, d.world.first, 0)
	if err != nil {
		return "", err
	}
	d.report.APDUs, d.report.Bytes = visit.Stats.APDUs, visit.Stats.Sent+visit.Stats.Received
	d.tell(visit)
	return fmt.Sprintf("%d entries, %d APDUs, %d bytes", len(visit.Entries), visit.Stats.APDUs, visit.Stats.Sent+visit.Stats.Received), nil
}

// tell prints what the reception sees.
func (d *demo) tell(v agent.Visit) {
	d.say("           who:      %s, born %s", latinName(v.Identity), v.Identity.Born)
	if v.Cover != nil {
		d.say("           cover:    %s, valid to %s", v.Cover.Plan, v.Cover.Until)
	}
	for _, a := range v.Alerts {
		d.say("           alert:    %s: %s", a.Kind, a.Text)
	}
}

// latinName is the name for a terminal, which may have no other letters.
func latinName(id *record.Identity) string {
	for _, n := range []*record.Name{id.Names.Latin, id.Names.Arabic, id.Names.Sorani} {
		if s := n.String(); s != "" {
			return s
		}
	}
	return "no name"
}

// tap plugs the card in and waits until the agent has read it.
func (w *world) tap(ctx context.Context, ws *workstation, reader int) (agent.Visit, error) {
	if err := w.plug(ctx, reader); err != nil { // the card stays longer than this function
		return agent.Visit{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var visit string
	err := ws.api.Events(ctx, "", func(_ localapi.Cursor, ev agent.Event) error {
		switch ev.Kind {
		case agent.KindRecordsReady:
			visit = ev.Visit
			return errStop
		case agent.KindFailure:
			if ev.Visit == "" {
				return fmt.Errorf("the agent says %s: %s", ev.Failure.Code, ev.Failure.Text["en"])
			}
		}
		return nil
	})
	if !errors.Is(err, errStop) {
		return agent.Visit{}, errors.Join(err, ctx.Err())
	}
	return ws.api.Visit(ctx, visit)
}

var errStop = errors.New("seen what was waited for")

// append writes a diagnosis, a prescription and a laboratory result.
func (d *demo) append(ctx context.Context) (string, error) {
	w := d.world
	visit, err := d.onlyVisit(ctx)
	if err != nil {
		return "", err
	}
	written, err := w.first.api.Append(ctx, visit.ID, demoEncounter())
	if err != nil {
		return "", err
	}
	if !slices.Contains(written.Where, agent.AtCard) {
		return "", fmt.Errorf("the entry is not on the card but at %v", written.Where)
	}
	w.issued.Entries = append(w.issued.Entries, written.ID)
	if visit, err = w.first.api.Visit(ctx, visit.ID); err != nil {
		return "", err
	}
	if len(visit.Entries) == 0 || visit.Entries[0].Signer != agent.SignerOperator {
		return "", errors.New("the entry is not signed by the physician who is signed in")
	}
	apdus := visit.Stats.APDUs - d.report.APDUs
	d.report.APDUs, d.report.Bytes = visit.Stats.APDUs, visit.Stats.Sent+visit.Stats.Received
	return fmt.Sprintf("entry %s by %s, number %d on the card, %d APDUs", written.ID.Short(), visit.Entries[0].Author, written.Seq, apdus), nil
}

// demoEncounter is what the demo's physician writes.
func demoEncounter() *record.Entry {
	return &record.Entry{
		Start: time.Now().UTC().Truncate(time.Minute), Minutes: 15,
		Diagnoses: []record.Diagnosis{{Code: record.Code{System: terms.ICD10, Value: "J20.9"}}},
		Prescriptions: []record.Prescription{{
			Medicine: record.Code{System: terms.ATC, Value: "R05CB01"}, Days: 5,
			Dose:      &record.Quantity{Value: record.Int(600), Unit: "mg"},
			Frequency: record.Frequency{Times: 1, Period: 1, Unit: record.PeriodDay},
		}},
		Observations: []record.Observation{{
			Code: record.Code{System: terms.LOINC, Value: "1988-5"}, Category: record.CategoryLaboratory,
			Value: record.Value{Quantity: &record.Quantity{Value: record.Decimal{Mantissa: 124, Scale: 1}, Unit: "mg/L"}},
		}},
	}
}

// synchronise waits until the centre has confirmed every entry.
func (d *demo) synchronise(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		status, err := d.world.first.api.Sync(ctx)
		if err != nil {
			return "", err
		}
		if status.Outbox == 0 && status.Quarantined == 0 && status.Pushed > 0 {
			return fmt.Sprintf("%d entry confirmed by the centre's receipt", status.Pushed), nil
		}
		if err := wait.For(ctx, 20*time.Millisecond); err != nil {
			return "", fmt.Errorf("%d entries wait in the outbox, %d refused, last error %q: %w", status.Outbox, status.Quarantined, status.LastError, err)
		}
	}
}

// tapSecond starts a second agent, whose cache is empty, and taps the card.
func (d *demo) tapSecond(ctx context.Context) (string, error) {
	w := d.world
	if err := w.unplug(ctx); err != nil {
		return "", err
	}
	if _, err := w.start(ctx, w.second); err != nil {
		return "", err
	}
	if _, err := w.second.signIn(ctx); err != nil {
		return "", err
	}
	visit, err := w.tap(ctx, w.second, 1)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s sees %d entries, %d APDUs", w.second.name, len(visit.Entries), visit.Stats.APDUs), nil
}
