package sbi

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"image"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/internal/logkey"
)

// captureRequest is the body of CAPTURE and RCAPTURE.
type captureRequest struct {
	Env           string          `json:"env"`
	Purpose       string          `json:"purpose"`
	SpecVersion   string          `json:"specVersion"`
	Timeout       string          `json:"timeout"` // milliseconds
	CaptureTime   string          `json:"captureTime"`
	DomainURI     *string         `json:"domainUri"` // of CAPTURE
	TransactionID string          `json:"transactionId"`
	Bio           []bioRequest    `json:"bio"`
	CustomOpts    *map[string]any `json:"customOpts"`
}

type bioRequest struct {
	Type           string    `json:"type"`
	Count          string    `json:"count"`
	BioSubType     []*string `json:"bioSubType"`
	Exception      []*string `json:"exception"` // of RCAPTURE: fingers that are not there
	RequestedScore string    `json:"requestedScore"`
	DeviceID       string    `json:"deviceId"`
	DeviceSubID    string    `json:"deviceSubId"`
	PreviousHash   string    `json:"previousHash"`
}

// captureAnswer is the answer to both.
type captureAnswer struct {
	Biometrics []biometric `json:"biometrics"`
}

// biometric is one finger; its data is a signed bioData.
type biometric struct {
	SpecVersion string    `json:"specVersion"`
	Data        string    `json:"data"`
	Hash        string    `json:"hash"`
	SessionKey  string    `json:"sessionKey,omitempty"` // of CAPTURE
	Thumbprint  string    `json:"thumbprint,omitempty"` // of CAPTURE
	Error       errorJSON `json:"error"`
}

type bioData struct {
	DigitalID      string `json:"digitalId"`
	DeviceCode     string `json:"deviceCode"`
	ServiceVersion string `json:"deviceServiceVersion"`
	BioType        string `json:"bioType"`
	BioSubType     string `json:"bioSubType"`
	Purpose        string `json:"purpose"`
	Env            string `json:"env"`
	DomainURI      string `json:"domainUri,omitempty"`
	BioValue       string `json:"bioValue"`
	TransactionID  string `json:"transactionId"`
	Timestamp      string `json:"timestamp"`
	RequestedScore string `json:"requestedScore"`
	QualityScore   string `json:"qualityScore"`
}

const (
	maxTimeout = 2 * time.Minute
	maxFingers = 10
	maxTries   = 20 // images of a finger; the time is up before, mostly
	anyFinger  = "UNKNOWN"
)

var (
	errRequest     = errors.New("request is not right")
	transactionIDs = regexp.MustCompile(`^[a-zA-Z0-9-]{4,50}$`)
	scores         = regexp.MustCompile(`^(100(\.0+)?|\d{1,2}(\.\d+)?)$`)
)

// order is a checked request.
type order struct {
	captureRequest
	bio     bioRequest
	device  scanner.Device
	wait    time.Duration
	score   float64
	fingers []string
}

// capture answers CAPTURE: for authentication, encrypted for the recipient.
func (s *Server) capture(w http.ResponseWriter, r *http.Request) { s.serveCapture(w, r, purposeAuth) }

// register answers RCAPTURE: for registration.
func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	s.serveCapture(w, r, purposeRegister)
}

func (s *Server) serveCapture(w http.ResponseWriter, r *http.Request, purpose string) {
	o, code := s.check(r, purpose)
	if code != success {
		s.answer(w, r, http.StatusOK, failure(code))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), o.wait)
	defer cancel()
	answer, previous := captureAnswer{}, o.bio.PreviousHash
	for i, finger := range o.fingers {
		one, err := s.finger(ctx, o, finger, previous, len(o.fingers)-i)
		if err != nil {
			if r.Context().Err() == nil && errors.Is(err, context.DeadlineExceeded) {
				err = scanner.ErrNoFinger
			}
			s.cfg.Log.InfoContext(r.Context(), "capture failed", logkey.Error, err)
			answer = failure(codeOf(err))
			break
		}
		previous = one.Hash
		answer.Biometrics = append(answer.Biometrics, one)
	}
	s.answer(w, r, http.StatusOK, answer)
}

// check reads a request and finds its device.
func (s *Server) check(r *http.Request, purpose string) (o order, code errorJSON) {
	if decode(r, &o.captureRequest) != nil || len(o.Bio) != 1 || o.Purpose != purpose ||
		!slices.Contains(specVersions, o.SpecVersion) {
		return o, codeRequest
	}
	if !transactionIDs.MatchString(o.TransactionID) {
		return o, codeTransact
	}
	o.bio = o.Bio[0]
	millis, err := strconv.ParseUint(o.Timeout, 10, 31)
	if err != nil || !scores.MatchString(o.bio.RequestedScore) || o.bio.Type != typeFinger {
		return o, codeRequest
	}
	if o.bio.PreviousHash != "" {
		if sum, err := hex.DecodeString(o.bio.PreviousHash); err != nil || len(sum) != sha256.Size {
			return o, codeRequest
		}
	}
	o.wait = min(time.Duration(millis)*time.Millisecond, maxTimeout)
	if o.score, err = strconv.ParseFloat(o.bio.RequestedScore, 64); err != nil {
		return o, codeRequest
	}
	if o.fingers, err = o.bio.wanted(); err != nil {
		return o, codeCount
	}
	if o.Env != s.cfg.Environment {
		return o, codeNotReady
	}
	if purpose == purposeAuth && s.cfg.Recipient == nil {
		return o, codeDomainKey
	}
	if purpose != s.purpose() {
		return o, codePurpose
	}
	devices, err := s.cfg.Hub.List(r.Context())
	if err != nil {
		return o, codeOf(err)
	}
	for _, d := range devices {
		if deviceID(d) == o.bio.DeviceID {
			o.device = d
			_, code := s.status(d)
			return o, code
		}
	}
	return o, codeDevice
}

// wanted names the fingers to capture, one after the other.
func (b bioRequest) wanted() ([]string, error) {
	count, err := strconv.Atoi(b.Count)
	if err != nil || count < 1 || count > maxFingers {
		return nil, errRequest
	}
	var missing, fingers []string
	for _, e := range b.Exception {
		if e != nil {
			missing = append(missing, *e)
		}
	}
	for _, f := range b.BioSubType {
		if f != nil && *f != "" && !slices.Contains(missing, *f) {
			fingers = append(fingers, *f)
		}
	}
	for len(fingers) < count {
		fingers = append(fingers, anyFinger)
	}
	for _, f := range fingers[:count] {
		if _, known := positions[f]; !known {
			return nil, errRequest
		}
	}
	return fingers[:count], nil
}

// finger captures one finger, in its share of the time for those that are
// left, and signs it.
func (s *Server) finger(ctx context.Context, o order, finger, previous string, left int) (biometric, error) {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/time.Duration(left))
		defer cancel()
	}
	watch := func(ev scanner.Event) {
		if ev.Preview != nil {
			s.preview.show(o.bio.DeviceID, ev.Preview)
		}
	}
	judge := func(img *image.Gray) (int, bool) {
		q := quality(img, o.device.Model.DPI)
		return q, float64(q) >= o.score
	}
	img, err := s.cfg.Hub.Capture(ctx, o.device.Name, scanner.Request{Wait: o.wait, Judge: judge, Tries: maxTries}, scanner.Options{Watch: watch})
	if err != nil {
		return biometric{}, err
	}
	s.preview.show(o.bio.DeviceID, img.Gray)
	record := encodeFIR(img.Gray, img.DPI, positions[finger], img.Quality, img.Begun)
	identity, err := s.cfg.Identity.sign(digitalIDOf(o.device))
	if err != nil {
		return biometric{}, err
	}
	about := s.describe(o.device)
	data := bioData{
		DigitalID: identity, DeviceCode: about.Code, ServiceVersion: about.Version, BioType: typeFinger, BioSubType: finger,
		Purpose: o.Purpose, Env: s.cfg.Environment, TransactionID: o.TransactionID,
		Timestamp: time.Now().UTC().Format(timeFormat), RequestedScore: o.bio.RequestedScore, QualityScore: strconv.Itoa(img.Quality),
	}
	one := biometric{SpecVersion: o.SpecVersion, Hash: chain(previous, record), Error: success}
	if o.Purpose == purposeAuth {
		sealed, err := seal(s.cfg.Recipient, record, data.Timestamp, data.TransactionID)
		if err != nil {
			return biometric{}, err
		}
		record, one.SessionKey, one.Thumbprint = sealed.data, sealed.key, sealed.thumbprint
		if o.DomainURI != nil {
			data.DomainURI = *o.DomainURI
		}
	}
	data.BioValue = base64.RawURLEncoding.EncodeToString(record)
	one.Data, err = s.cfg.Identity.sign(data)
	return one, err
}

// chain is the hash of a block behind an earlier one, in upper case: SHA-256
// over the earlier hash and the block's own. The first follows the hash of
// nothing.
func chain(previous string, block []byte) string {
	before := sha256.Sum256(nil)
	if sum, err := hex.DecodeString(previous); err == nil && len(sum) == len(before) {
		copy(before[:], sum)
	}
	own := sha256.Sum256(block)
	both := sha256.Sum256(append(before[:], own[:]...))
	return strings.ToUpper(hex.EncodeToString(both[:]))
}
