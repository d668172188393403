package localapi

import (
	"errors"
	"testing"
	"time"
)

var start = time.Date(2026, time.March, 21, 8, 0, 0, 0, time.UTC)

func openOne(t *testing.T, all *sessions, now time.Time) (cookie, token string) {
	t.Helper()
	code, _ := all.newCode(now)
	cookie, token, err := all.open(code, now)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return cookie, token
}

func TestCodeWorksOnce(t *testing.T) {
	all := newSessions()
	code, until := all.newCode(start)
	if got := until.Sub(start); got != codeLife {
		t.Errorf("code lives %v, want %v", got, codeLife)
	}
	if _, _, err := all.open(code, start.Add(codeLife-1)); err != nil {
		t.Fatalf("first use: %v", err)
	}
	if _, _, err := all.open(code, start.Add(codeLife-1)); !errors.Is(err, errCode) {
		t.Errorf("second use: %v, want errCode", err)
	}
}

func TestCodeEnds(t *testing.T) {
	all := newSessions()
	code, until := all.newCode(start)
	if _, _, err := all.open(code, until); !errors.Is(err, errCode) {
		t.Errorf("use at its end: %v, want errCode", err)
	}
}

func TestOldestCodeGivesWay(t *testing.T) {
	all := newSessions()
	first, _ := all.newCode(start)
	var last string
	for i := range maxCodes {
		last, _ = all.newCode(start.Add(time.Duration(i+1) * time.Second))
	}
	now := start.Add(time.Minute)
	if _, _, err := all.open(first, now); !errors.Is(err, errCode) {
		t.Errorf("oldest code: %v, want errCode", err)
	}
	if _, _, err := all.open(last, now); err != nil {
		t.Errorf("newest code: %v", err)
	}
}

func TestTriesAreLimited(t *testing.T) {
	all := newSessions()
	good, _ := all.newCode(start)
	for range triesBurst {
		if _, _, err := all.open("WRONG", start); !errors.Is(err, errCode) {
			t.Fatalf("wrong code: %v, want errCode", err)
		}
	}
	if _, _, err := all.open(good, start); !errors.Is(err, errTries) {
		t.Fatalf("after the burst: %v, want errTries", err)
	}
	if _, _, err := all.open(good, start.Add(triesPause)); err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

func TestSessionNeedsBothHalves(t *testing.T) {
	all := newSessions()
	cookie, token := openOne(t, all, start)
	other, otherToken := openOne(t, all, start)
	for name, c := range map[string]struct {
		cookie, token string
		want          bool
	}{
		"both":             {cookie, token, true},
		"no token":         {cookie, "", false},
		"no cookie":        {"", token, false},
		"another's token":  {cookie, otherToken, false},
		"another's cookie": {other, token, false},
		"swapped":          {token, cookie, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := all.find(c.cookie, c.token, start) != nil; got != c.want {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}

func TestSessionEnds(t *testing.T) {
	for name, c := range map[string]struct {
		steps []time.Duration // times of use after the start, all but the last succeed
		want  bool            // of the last
	}{
		"in use":    {[]time.Duration{20 * time.Minute, 40 * time.Minute, 60 * time.Minute}, true},
		"idle":      {[]time.Duration{sessionIdle}, false},
		"idle late": {[]time.Duration{20 * time.Minute, 20*time.Minute + sessionIdle}, false},
	} {
		t.Run(name, func(t *testing.T) {
			all := newSessions()
			cookie, token := openOne(t, all, start)
			for i, step := range c.steps {
				got := all.find(cookie, token, start.Add(step)) != nil
				if want := i < len(c.steps)-1 || c.want; got != want {
					t.Errorf("after %v: found %v, want %v", step, got, want)
				}
			}
		})
	}
}

func TestStreamKeepsASessionButNotForEver(t *testing.T) {
	all := newSessions()
	cookie, token := openOne(t, all, start)
	s := all.find(cookie, token, start)
	if !all.stream(s, +1, start) {
		t.Fatal("a new session is over")
	}
	if !all.stream(s, 0, start.Add(6*time.Hour)) {
		t.Error("a session with an open stream idled")
	}
	if all.stream(s, 0, start.Add(sessionLife)) {
		t.Error("a session outlived its life")
	}
	select {
	case <-s.ended:
	default:
		t.Error("the streams of an ended session were not told")
	}
}

func TestIdlestSessionGivesWay(t *testing.T) {
	all := newSessions()
	cookie, token := openOne(t, all, start)
	for i := range maxSessions {
		openOne(t, all, start.Add(time.Duration(i+1)*time.Second))
	}
	if len(all.live) != maxSessions {
		t.Errorf("%d sessions, want %d", len(all.live), maxSessions)
	}
	if all.find(cookie, token, start.Add(time.Minute)) != nil {
		t.Error("the session unused for longest is still there")
	}
}

func TestNothingSecretIsKept(t *testing.T) {
	all := newSessions()
	cookie, token := openOne(t, all, start)
	s := all.live[digestOf(cookie)]
	if s == nil || s.token != digestOf(token) {
		t.Error("sessions are not kept by digest")
	}
}
