package agent

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/fmr"
	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/synth"
	"github.com/dhamani-iq/dhamani/cache"
	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/softcard"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
)

// asked returns the finger that was asked for last.
func (d *desk) asked(events []Event) (finger card.Position) {
	for _, ev := range events {
		if ev.Finger != nil && ev.Finger.Code == "put_finger" {
			finger = ev.Finger.Finger
		}
	}
	return finger
}

// told returns what has happened so far.
func (d *desk) told() (all []Event) {
	events, end := d.agent.Subscribe(0)
	defer end()
	for {
		select {
		case ev := <-events:
			all = append(all, ev)
		default:
			return all
		}
	}
}

// actions are the actions and codes of the audit lines about a patient.
func (d *desk) actions(tb testing.TB, p record.PatientID) (all []string) {
	tb.Helper()
	name := d.cache.AuditName(p)
	if _, err := d.cache.AuditRecords(0, func(r cache.AuditRecord) error {
		if r.Patient == name {
			all = append(all, r.Action+" "+r.Code)
		}
		return nil
	}); err != nil {
		tb.Fatal(err)
	}
	return all
}

// TestBestFinger: the finger that was accepted is asked for first from then on,
// and after a refusal the next one is.
func TestBestFinger(t *testing.T) {
	n, plate := newNation(t), newPlate(t)
	right, left, other := synth.New(11), synth.New(12), synth.New(13)
	p := n.issue(1, softcard.Options{})
	n.enrol(p, plate, right, left)
	d := n.desk(deskOptions{scanners: plate.hub})
	steps := []struct {
		name   string
		finger *synth.Finger
		seed   uint64
		asked  card.Position
		wrong  bool
	}{
		{"nothing is known", left, 6, 2, false},
		{"the last one first", other, 5, 7, true},
		{"the other one after a refusal", right, 6, 2, false},
	}
	v := d.tapped(t, p)
	for _, s := range steps {
		_, err := plate.verify(t, d, v.ID, OnCard, plate.impression(s.finger, s.seed))
		if got := d.asked(d.told()); got != s.asked || refusedFinger(err) != s.wrong {
			t.Errorf("%s: asked for finger %d, want %d; %v", s.name, got, s.asked, err)
		}
	}
	if v, _ = d.agent.Visit(v.ID); v.FingerRefusals != 1 || v.Elsewhere {
		t.Errorf("%+v", v)
	}
	note, ok, err := d.cache.Finger(v.Patient, 0, time.Now())
	if err != nil || !ok || note.Ref != card.FirstFinger || note.Quality == 0 {
		t.Errorf("what stood in is remembered: %+v, %v, %v", note, ok, err)
	}
}

// TestFingerElsewhere: one finger on the cards of two patients is told, and
// refuses nothing.
func TestFingerElsewhere(t *testing.T) {
	n, plate := newNation(t), newPlate(t)
	mine, other := synth.New(11), synth.New(12)
	first, honest, second := n.issue(1, softcard.Options{}), n.issue(1, softcard.Options{}), n.issue(1, softcard.Options{})
	n.enrol(first, plate, mine)
	n.enrol(honest, plate, other)
	n.enrol(second, plate, mine)
	d := n.desk(deskOptions{scanners: plate.hub})
	for i, c := range []struct {
		p         *patient
		finger    *synth.Finger
		elsewhere bool
	}{{first, mine, false}, {honest, other, false}, {first, mine, false}, {second, mine, true}} {
		v, failure := d.tap(t, c.p)
		if failure != nil {
			t.Fatal(failure.Code)
		}
		if _, err := plate.verify(t, d, v.ID, OnCard, plate.impression(c.finger, uint64(20+i))); err != nil {
			t.Fatalf("tap %d: %v", i, err)
		}
		if v, _ = d.agent.Visit(v.ID); v.Elsewhere != c.elsewhere || !v.Verified {
			t.Errorf("tap %d: elsewhere %v, verified %v", i, v.Elsewhere, v.Verified)
		}
		d.take(t)
	}
	for name, p := range map[string]*patient{"the one before": first, "the one now": second} {
		if got := d.actions(t, p.subjects.Patient); !slices.Contains(got, "finger_elsewhere ") {
			t.Errorf("%s: audit %q", name, got)
		}
	}
	if got := d.actions(t, honest.subjects.Patient); slices.Contains(got, "finger_elsewhere ") {
		t.Errorf("audit of the third: %q", got)
	}
	alarms := slices.DeleteFunc(d.told(), func(ev Event) bool { return ev.Failure == nil || ev.Failure.Code != "finger_elsewhere" })
	if len(alarms) != 1 || alarms[0].Visit == "" {
		t.Errorf("events %+v", alarms)
	}
}

// TestSightings: what is kept is bounded, ends, and strangers raise no alarm.
func TestSightings(t *testing.T) {
	var s sightings
	now := time.Now()
	add := func(patient byte, seed uint64, impression int, at time.Time) int {
		t.Helper()
		others, err := s.add(record.PatientID{patient, byte(seed >> 8), byte(seed)}, 0x91, synth.Person(seed, fmr.RightIndex, impression), at)
		if err != nil {
			t.Fatal(err)
		}
		return len(others)
	}
	alarms := 0
	for i := range uint64(seenKept + 20) {
		alarms += add(1, i, 0, now)
	}
	if len(s.list) != seenKept || alarms > 0 {
		t.Errorf("%d are kept, %d alarms among strangers", len(s.list), alarms)
	}
	if add(2, 400, 1, now) != 1 {
		t.Error("the same finger for another patient is not seen")
	}
	if add(3, 401, 1, now.Add(seenLife+time.Minute)) != 0 || len(s.list) != 1 {
		t.Errorf("%d are kept after their time", len(s.list))
	}
	if _, err := s.add(record.PatientID{1}, 1, &fmr.Template{}, now); err == nil {
		t.Error("a template without a view is taken")
	}
}

// TestFingerNoteLost: a note that cannot be kept costs nobody the verification.
func TestFingerNoteLost(t *testing.T) {
	n, plate := newNation(t), newPlate(t)
	mine := synth.New(11)
	p := n.issue(1, softcard.Options{})
	n.enrol(p, plate, mine)
	d := n.desk(deskOptions{scanners: plate.hub})
	v, failure := d.tap(t, p)
	if failure != nil {
		t.Fatal(failure.Code)
	}
	d.agent.visits.update(v.ID, func(v *Visit) { v.Patient = record.PatientID{} }) // of whom the cache keeps no note
	got, err := plate.verify(t, d, v.ID, "", plate.impression(mine, 6))
	if v, _ = d.agent.Visit(v.ID); err != nil || got.Way != OnCard || !v.Verified || got.Proof != scanner.ByRecording {
		t.Fatalf("%+v, %v", got, err)
	}
}

// TestToldOfOnePerson: what is said of one person on a family's card is not
// said of the others.
func TestToldOfOnePerson(t *testing.T) {
	n := newNation(t)
	p := n.issue(2, softcard.Options{})
	d := n.desk(deskOptions{})
	v, failure := d.tap(t, p)
	if failure != nil {
		t.Fatal(failure.Code)
	}
	if _, err := d.agent.Attest(v.ID, ByGuardian, WhyEmergency); err != nil {
		t.Fatal(err)
	}
	d.agent.visits.tell(v.ID, 0, func(x *told) { x.refusals = 3 })
	show := func(person uint8) Visit {
		t.Helper()
		v, err := d.agent.ShowPerson(t.Context(), v.ID, person)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := show(2); v.Attested != nil || v.FingerRefusals != 0 {
		t.Errorf("of the child: %+v, %d refusals", v.Attested, v.FingerRefusals)
	}
	d.agent.visits.tell(v.ID, 0, func(x *told) { x.refusals++ }) // that began before the child was shown
	if v, _ := d.agent.Visit(v.ID); v.FingerRefusals != 0 {
		t.Errorf("the holder's refusals count for the child: %d", v.FingerRefusals)
	}
	if v := show(0); v.Attested == nil || v.Attested.By != ByGuardian || v.FingerRefusals != 4 {
		t.Errorf("of the holder: %+v, %d refusals", v.Attested, v.FingerRefusals)
	}
}

// TestAttest: a word of the lists is noted with its reason; it opens nothing.
func TestAttest(t *testing.T) {
	n := newNation(t)
	p := n.issueWith(1, secretVisit(n))
	d := n.desk(deskOptions{})
	v := d.tapped(t, p)
	for _, tt := range []struct {
		visit, by, reason string
		want              error
	}{
		{"other", ByPhoto, WhyEmergency, ErrNoVisit},
		{v.ID, "word", WhyEmergency, ErrAttested},
		{v.ID, ByPhoto, "because", ErrAttested},
		{v.ID, ByPhoto, WhyRefused, ErrNoOperator},
		{v.ID, ByGuardian, WhyEmergency, nil},
	} {
		if _, err := d.agent.Attest(tt.visit, tt.by, tt.reason); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	v, _ = d.agent.Visit(v.ID)
	if v.Attested == nil || v.Attested.By != ByGuardian || v.Verified || len(v.Entries[0].Locked) == 0 {
		t.Errorf("%+v", v.Attested)
	}
	if got := d.actions(t, v.Patient); !slices.Contains(got, "attest_guardian emergency") {
		t.Errorf("audit %q", got)
	}
	d.agent.SignIn(n.operator("nurse-1", cvc.RoleNurse))
	v, _ = d.read(t) // the card is read anew for her
	if v, err := d.agent.Attest(v.ID, ByPhoto, WhyUnreadable); err != nil || v.Attested == nil || v.Attested.Reason != WhyUnreadable {
		t.Errorf("a nurse's word: %+v, %v", v.Attested, err)
	}
}

// TestLiveness: what the device says counts as the workstation's policy says.
func TestLiveness(t *testing.T) {
	alive, unsure, artefact := &scanner.Presentation{Verdict: scanner.Alive, Score: 90}, &scanner.Presentation{}, &scanner.Presentation{Verdict: scanner.Artefact}
	for _, tt := range []struct {
		policy Liveness
		says   *scanner.Presentation
		want   error
		said   string
	}{
		{"", nil, nil, ""},
		{"", artefact, ErrArtefact, ""},
		{LivenessAsk, alive, nil, "alive"},
		{LivenessAsk, unsure, nil, "unsure"},
		{LivenessAsk, artefact, ErrArtefact, ""},
		{LivenessOff, artefact, nil, ""},
		{LivenessOff, alive, nil, ""},
		{LivenessRequired, alive, nil, "alive"},
		{LivenessRequired, unsure, ErrAliveUnsaid, ""},
		{LivenessRequired, nil, ErrAliveUnsaid, ""},
		{LivenessRequired, artefact, ErrArtefact, ""},
	} {
		if said, err := tt.policy.judge(tt.says); !errors.Is(err, tt.want) || tt.want == nil && err != nil || said != tt.said {
			t.Errorf("%q of %+v: %q, %v", tt.policy, tt.says, said, err)
		}
	}
}

// TestArtefact: what the scanner takes for no finger is compared with nothing,
// and costs no try.
func TestArtefact(t *testing.T) {
	n, plate := newNation(t), newPlate(t)
	mine := synth.New(11)
	p := n.issue(1, softcard.Options{})
	n.enrol(p, plate, mine)
	d := n.desk(deskOptions{scanners: plate.hub})
	v := d.tapped(t, p)
	plate.soft.Claim(&scanner.Presentation{Verdict: scanner.Artefact, Score: 3})
	if _, err := plate.verify(t, d, v.ID, "", plate.impression(mine, 6)); Classify(err).Code != "finger_artefact" {
		t.Errorf("an artefact: %v", err)
	}
	if v, _ = d.agent.Visit(v.ID); v.Verified || v.FingerRefusals != 0 {
		t.Errorf("verified %v, %d refusals", v.Verified, v.FingerRefusals)
	}
	plate.soft.Claim(&scanner.Presentation{Verdict: scanner.Alive, Score: 88})
	if got, err := plate.verify(t, d, v.ID, "", plate.impression(mine, 7)); err != nil || got.Alive != "alive" {
		t.Errorf("a finger: %+v, %v", got, err)
	}
}
