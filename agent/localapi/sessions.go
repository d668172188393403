package localapi

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"sync"
	"time"
)

// Life times and bounds of page sessions.
const (
	codeLife    = 2 * time.Minute  // of a one-time code, unused
	sessionIdle = 30 * time.Minute // without a request or an open event stream
	sessionLife = 12 * time.Hour   // a long shift
	maxCodes    = 8
	maxSessions = 16
	triesBurst  = 10              // codes that may be tried at once
	triesPause  = 5 * time.Second // and then one in this time
)

var (
	errCode  = errors.New("unknown or used code")
	errTries = errors.New("too many tries")
)

// digest is what is kept of a secret: a dump of the tables opens nothing, and
// looking one up takes the same time whatever was sent.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// session is one page that has shown a one-time code. It is known by a cookie
// that scripts cannot read and a token that other ports' pages cannot read;
// a request must bring both.
type session struct {
	token   digest
	opened  time.Time
	used    time.Time
	streams int           // open event streams keep a session from idling
	ended   chan struct{} // closed when the session ends, so that streams end too
}

func (s *session) over(now time.Time) bool {
	return now.Sub(s.opened) >= sessionLife || (s.streams == 0 && now.Sub(s.used) >= sessionIdle)
}

// sessions holds the one-time codes and the sessions that came from them.
type sessions struct {
	mu    sync.Mutex
	codes map[digest]time.Time // until when
	live  map[digest]*session  // by cookie
	tries float64              // left at the time lastTry
	last  time.Time
}

func newSessions() *sessions {
	return &sessions{codes: make(map[digest]time.Time), live: make(map[digest]*session), tries: triesBurst}
}

// newCode returns a fresh one-time code of 130 random bits and its end. The
// oldest code gives way when too many are out.
func (t *sessions) newCode(now time.Time) (string, time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep(now)
	for len(t.codes) >= maxCodes {
		var oldest digest
		var until time.Time
		for d, u := range t.codes {
			if until.IsZero() || u.Before(until) {
				oldest, until = d, u
			}
		}
		delete(t.codes, oldest)
	}
	code, until := rand.Text(), now.Add(codeLife)
	t.codes[digestOf(code)] = until
	return code, until
}

// open turns a code into a session and returns its cookie and token. It owes
// errTries and errCode. The session unused for longest gives way when there
// are too many.
func (t *sessions) open(code string, now time.Time) (cookie, token string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep(now)
	if !t.last.IsZero() {
		t.tries = min(triesBurst, t.tries+float64(now.Sub(t.last))/float64(triesPause))
	}
	t.last = now
	if t.tries < 1 {
		return "", "", errTries
	}
	t.tries--
	d := digestOf(code)
	if _, ok := t.codes[d]; !ok {
		return "", "", errCode
	}
	delete(t.codes, d)
	t.tries = min(triesBurst, t.tries+1) // a good code costs nothing
	for len(t.live) >= maxSessions {
		t.endOldest()
	}
	cookie, token = rand.Text(), rand.Text()
	t.live[digestOf(cookie)] = &session{token: digestOf(token), opened: now, used: now, ended: make(chan struct{})}
	return cookie, token, nil
}

// find returns the session that cookie and token both belong to, and marks
// it as used; nil if there is none.
func (t *sessions) find(cookie, token string, now time.Time) *session {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep(now)
	s, ok := t.live[digestOf(cookie)]
	given := digestOf(token)
	if !ok || subtle.ConstantTimeCompare(given[:], s.token[:]) != 1 {
		return nil
	}
	s.used = now
	return s
}

// end ends a session.
func (t *sessions) end(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for d, each := range t.live {
		if each == s {
			t.drop(d)
		}
	}
}

// stream counts an event stream of the session in (+1) or out (-1) and
// reports whether the session goes on.
func (t *sessions) stream(s *session, change int, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.streams += change
	if change < 0 {
		s.used = now
	}
	t.sweep(now)
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

func (t *sessions) sweep(now time.Time) {
	for d, until := range t.codes {
		if !now.Before(until) {
			delete(t.codes, d)
		}
	}
	for d, s := range t.live {
		if s.over(now) {
			t.drop(d)
		}
	}
}

func (t *sessions) endOldest() {
	var oldest digest
	var found *session
	for d, s := range t.live {
		if found == nil || s.used.Before(found.used) {
			oldest, found = d, s
		}
	}
	t.drop(oldest)
}

func (t *sessions) drop(d digest) {
	close(t.live[d].ended)
	delete(t.live, d)
}
