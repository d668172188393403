package sbi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
)

// timeFormat is the interface's: seconds, in UTC.
const timeFormat = "2006-01-02T15:04:05Z"

const (
	typeFinger = "Finger"
	typeAny    = "Biometric Device"

	purposeAuth     = "Auth"
	purposeRegister = "Registration"

	certification = "L0" // signed by the host: the scanners have no keys
)

var (
	specVersions = []string{"0.9.5", "1.0.0"}
	types        = []string{typeFinger, "Iris", "Face", typeAny} // that may be asked for
)

// digitalID tells which device it is.
type digitalID struct {
	SerialNo   string `json:"serialNo"`
	Make       string `json:"make"`
	Model      string `json:"model"`
	Type       string `json:"type"`
	SubType    string `json:"deviceSubType"`
	Provider   string `json:"deviceProvider"`
	ProviderID string `json:"deviceProviderId"`
	DateTime   string `json:"dateTime"`
}

func digitalIDOf(d scanner.Device) digitalID {
	return digitalID{
		SerialNo: deviceID(d), Make: d.Model.ID.String(), Model: d.Model.Name, Type: typeFinger, SubType: "Single",
		Provider: "Dhamani", ProviderID: "dhamani", DateTime: time.Now().UTC().Format(timeFormat),
	}
}

// deviceID is stable for a device, and says neither its serial number nor its
// place: the serial number's digest where there is one.
func deviceID(d scanner.Device) string {
	own := d.Serial
	if own == "" {
		own = "place " + d.Name
	}
	sum := sha256.Sum256([]byte("dhamani scanner v1 " + d.Model.ID.String() + " " + own))
	return hex.EncodeToString(sum[:8])
}

// description is a device in discovery and information.
type description struct {
	DeviceID      string     `json:"deviceId"`
	Status        string     `json:"deviceStatus"`
	Certification string     `json:"certification"`
	Version       string     `json:"serviceVersion"`
	SubID         []string   `json:"deviceSubId"`
	CallbackID    string     `json:"callbackId"`
	DigitalID     string     `json:"digitalId"`
	Code          string     `json:"deviceCode"`
	SpecVersion   []string   `json:"specVersion"`
	Purpose       string     `json:"purpose"`
	Env           string     `json:"env,omitempty"`      // of information
	Firmware      string     `json:"firmware,omitempty"` // of information
	Error         *errorJSON `json:"error,omitempty"`    // of discovery
}

func (s *Server) describe(d scanner.Device) description {
	status, _ := s.status(d)
	id := deviceID(d)
	version := s.cfg.Version
	if version == "" {
		version = "unknown"
	}
	return description{
		DeviceID: id, Status: status, Certification: certification, Version: version, SubID: []string{"0"}, CallbackID: s.address(),
		Code: id, SpecVersion: specVersions, Purpose: s.purpose(),
	}
}

// status is a device's, with the code that goes with it. One whose images
// nobody has proven is not ready: what comes of it goes into a register.
func (s *Server) status(d scanner.Device) (string, errorJSON) {
	switch {
	case d.Model.Proof == scanner.Unverified:
		return "Not Ready", codeNotReady
	case s.cfg.Hub.Taken(d.Name):
		return "Busy", codeBusy
	default:
		return "Ready", success
	}
}

// purpose is what all devices are for: the interface gives a device one.
func (s *Server) purpose() string {
	if s.cfg.Recipient != nil {
		return purposeAuth
	}
	return purposeRegister
}

// discover answers MOSIPDISC: the devices, with unsigned identities.
func (s *Server) discover(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Type string `json:"type"`
	}
	if err := decode(r, &request); err != nil || !slices.Contains(types, request.Type) {
		s.answer(w, r, http.StatusOK, []any{map[string]any{"error": codeType}})
		return
	}
	devices, err := s.cfg.Hub.List(r.Context())
	if err != nil || len(devices) == 0 || request.Type != typeFinger && request.Type != typeAny {
		code := codeDevice
		if err != nil {
			code = codeOf(err)
		}
		s.answer(w, r, http.StatusOK, []any{map[string]any{"error": code}})
		return
	}
	answer := make([]description, len(devices))
	for i, d := range devices {
		plain, _ := json.Marshal(digitalIDOf(d)) // strings only: no error
		answer[i] = s.describe(d)
		answer[i].DigitalID = base64.RawURLEncoding.EncodeToString(plain)
		_, code := s.status(d)
		answer[i].Error = &code
	}
	s.answer(w, r, http.StatusOK, answer)
}

// infoAnswer is one device's signed information.
type infoAnswer struct {
	DeviceInfo string    `json:"deviceInfo"`
	Error      errorJSON `json:"error"`
}

// info answers MOSIPDINFO: what discovery tells and more, signed.
func (s *Server) info(w http.ResponseWriter, r *http.Request) {
	devices, err := s.cfg.Hub.List(r.Context())
	if err != nil || len(devices) == 0 {
		code := codeDevice
		if err != nil {
			code = codeOf(err)
		}
		s.answer(w, r, http.StatusOK, []any{map[string]any{"deviceInfo": nil, "error": code}})
		return
	}
	answer := make([]infoAnswer, len(devices))
	for i, d := range devices {
		about := s.describe(d)
		about.Env, about.Firmware = s.cfg.Environment, about.Version // as L0 wants it
		if about.DigitalID, err = s.cfg.Identity.sign(digitalIDOf(d)); err == nil {
			answer[i].DeviceInfo, err = s.cfg.Identity.sign(about)
		}
		if _, answer[i].Error = s.status(d); err != nil {
			answer[i] = infoAnswer{Error: codeTechnical}
		}
	}
	s.answer(w, r, http.StatusOK, answer)
}
