package sbi

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/dhamani-iq/dhamani/biometric/scanner"
	"github.com/dhamani-iq/dhamani/biometric/scanner/soft"
	"github.com/dhamani-iq/dhamani/biometric/synth"
)

const paired = "https://registration.example"

// service is a running server with a soft scanner.
type service struct {
	t    *testing.T
	bus  *soft.Bus
	dev  *soft.Scanner
	cfg  Config
	base string
}

func start(t *testing.T, change func(*Config)) *service {
	t.Helper()
	dev, err := soft.New(scanner.ID{Vendor: 0x298D, Product: 0x1010})
	if err != nil {
		t.Fatal(err)
	}
	bus := &soft.Bus{}
	bus.Plug("001/002", dev)
	identity, err := LoadIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	s := &service{t: t, bus: bus, dev: dev}
	s.cfg = Config{
		Hub: scanner.NewHub(bus), Identity: identity, Version: "1.2.3", Origins: []string{paired},
		Log: slog.New(slog.DiscardHandler), Ready: func(a string) { ready <- a },
	}
	if change != nil {
		change(&s.cfg)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- New(s.cfg).Run(ctx) }()
	select {
	case s.base = <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask sends a request of the interface, checked against its schema first.
func (s *service) ask(method, path string, body any, headers ...string) (int, []byte) {
	s.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, bytes.NewReader(raw))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, got
}

// valid holds JSON against a schema of the compliance kit, where it is there.
func valid(t *testing.T, schema string, v any) {
	t.Helper()
	data := os.Getenv("DHAMANI_DATA")
	if data == "" {
		data = "../../../shared/data"
	}
	name := filepath.Join(data, "mosip-sbi", schema+"Schema.json")
	if _, err := os.Stat(name); err != nil {
		t.Logf("no schema %s; name the folder in DHAMANI_DATA", schema)
		return
	}
	compiled, err := jsonschema.NewCompiler().Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(plain); err != nil {
		t.Errorf("%s: %v\n%.300s", schema, err, raw)
	}
}

// opened checks a JWS with the certificate in it and gives what was signed.
func opened(t *testing.T, jws string, id *Identity) map[string]any {
	t.Helper()
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	var header struct {
		Alg string   `json:"alg"`
		X5C [][]byte `json:"x5c"`
	}
	from64(t, parts[0], &header)
	if header.Alg != "RS256" || len(header.X5C) != 1 || !bytes.Equal(header.X5C[0], id.cert) {
		t.Errorf("header %+v", header.Alg)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&id.key.PublicKey, crypto.SHA256, digest[:], signature); err != nil {
		t.Error(err)
	}
	payload := make(map[string]any)
	from64(t, parts[1], &payload)
	return payload
}

func from64(t *testing.T, text string, into any) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	decodeJSON(t, raw, into)
}

func decodeJSON(t *testing.T, raw []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
}

// finger is the finger of nobody on the sensor.
var finger = sync.OnceValue(func() *image.Gray {
	return synth.New(3).Impression(synth.Pose{Width: 256, Height: 180, DPI: 385})
})

func (s *service) request(purpose string) map[string]any {
	bio := map[string]any{
		"type": "Finger", "count": "1", "bioSubType": []string{"Left IndexFinger"}, "requestedScore": "40",
		"deviceId": deviceID(s.dev.Device("001/002")), "deviceSubId": "0", "previousHash": "",
	}
	request := map[string]any{
		"env": "Developer", "purpose": purpose, "specVersion": "0.9.5", "timeout": "60000", // a good image is answered at once
		"captureTime": time.Now().UTC().Format(timeFormat), "transactionId": "tx-1234", "bio": []any{bio}, "customOpts": nil,
	}
	if purpose == purposeAuth {
		request["domainUri"] = "https://auth.example"
	} else {
		bio["exception"] = []string{}
	}
	return request
}

func TestDiscovery(t *testing.T) {
	s := start(t, nil)
	for _, kind := range []string{typeFinger, typeAny} {
		request := map[string]string{"type": kind}
		valid(t, "DiscoverRequest", request)
		status, raw := s.ask("MOSIPDISC", "device", request)
		var answer []map[string]any
		decodeJSON(t, raw, &answer)
		if status != http.StatusOK || len(answer) != 1 || answer[0]["deviceStatus"] != "Ready" || answer[0]["callbackId"] != s.base {
			t.Fatalf("%d %s", status, raw)
		}
		var id map[string]any
		from64(t, answer[0]["digitalId"].(string), &id)
		valid(t, "DigitalIdResponse", id)
		answer[0]["digitalIdDecoded"] = id
		valid(t, "DiscoverResponse", answer)
	}
	for name, request := range map[string]any{"toe": map[string]string{"type": "Toe"}, "more": map[string]string{"type": "Finger", "x": "y"}, "text": "Finger"} {
		var answer []map[string]any
		_, raw := s.ask("MOSIPDISC", "device", request)
		decodeJSON(t, raw, &answer)
		valid(t, "DiscoverResponseError", answer)
		if !bytes.Contains(raw, []byte(`"501"`)) {
			t.Errorf("%s: %s", name, raw)
		}
	}
	var none []map[string]any
	_, raw := s.ask("MOSIPDISC", "device", map[string]string{"type": "Iris"})
	decodeJSON(t, raw, &none)
	valid(t, "DiscoverResponseError", none)
	if !bytes.Contains(raw, []byte(`"106"`)) {
		t.Errorf("iris: %s", raw)
	}
	s.bus.Unplug("001/002")
	if _, raw := s.ask("MOSIPDISC", "device", map[string]string{"type": "Finger"}); !bytes.Contains(raw, []byte(`"106"`)) {
		t.Errorf("no scanner: %s", raw)
	}
}

func TestInfo(t *testing.T) {
	s := start(t, nil)
	read := func(schema string) map[string]any {
		_, raw := s.ask("MOSIPDINFO", "info", map[string]any{})
		var answer []map[string]any
		decodeJSON(t, raw, &answer)
		about := opened(t, answer[0]["deviceInfo"].(string), s.cfg.Identity)
		about["digitalIdDecoded"] = opened(t, about["digitalId"].(string), s.cfg.Identity)
		answer[0]["deviceInfoDecoded"] = about
		valid(t, schema, answer)
		return about
	}
	if about := read("DeviceInfoReadyResponse"); about["firmware"] != "1.2.3" || about["env"] != "Developer" || about["purpose"] != purposeRegister {
		t.Errorf("%v", about)
	}
	taken, err := s.cfg.Hub.Take(t.Context(), "", scanner.Options{})
	if err != nil {
		t.Fatal(err)
	}
	read("DeviceInfoBusyResponse")
	discovered := func() (answer []map[string]any) {
		_, raw := s.ask("MOSIPDISC", "device", map[string]string{"type": typeAny})
		decodeJSON(t, raw, &answer)
		valid(t, "DiscoverResponseError", answer)
		return answer
	}
	if one := discovered()[0]; one["deviceStatus"] != "Busy" || one["error"].(map[string]any)["errorCode"] != "111" {
		t.Errorf("taken: %v", one)
	}
	if _, raw := s.ask("RCAPTURE", "capture", s.request(purposeRegister)); !bytes.Contains(raw, []byte(`"111"`)) {
		t.Errorf("capture while taken: %s", raw)
	}
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	// A scanner whose images nobody has proven goes into no register.
	s.bus.Unplug("001/002")
	unproven, err := soft.New(scanner.ID{Vendor: 0x1B55, Product: 0x0840})
	if err != nil {
		t.Fatal(err)
	}
	s.bus.Plug("001/003", unproven)
	read("DeviceInfoNotReadyResponse")
	if one := discovered()[0]; one["deviceStatus"] != "Not Ready" || one["error"].(map[string]any)["errorCode"] != "110" {
		t.Errorf("unproven: %v", one)
	}
	request := s.request(purposeRegister)
	request["bio"].([]any)[0].(map[string]any)["deviceId"] = deviceID(unproven.Device("001/003"))
	if _, raw := s.ask("RCAPTURE", "capture", request); !bytes.Contains(raw, []byte(`"110"`)) {
		t.Errorf("capture with an unproven scanner: %s", raw)
	}
}

func TestRegistration(t *testing.T) {
	s := start(t, nil)
	s.dev.Touch(finger())
	for _, version := range specVersions {
		request := s.request(purposeRegister)
		request["specVersion"] = version
		bio := request["bio"].([]any)[0].(map[string]any)
		bio["count"], bio["bioSubType"] = "2", []string{"Left IndexFinger", "Right Thumb"}
		valid(t, "RegistrationCaptureRequest", request)
		_, raw := s.ask("RCAPTURE", "capture", request)
		var answer struct {
			Biometrics []map[string]any `json:"biometrics"`
		}
		decodeJSON(t, raw, &answer)
		if len(answer.Biometrics) != 2 {
			t.Fatalf("%.300s", raw)
		}
		previous := ""
		for i, one := range answer.Biometrics {
			data := opened(t, one["data"].(string), s.cfg.Identity)
			data["digitalIdDecoded"] = opened(t, data["digitalId"].(string), s.cfg.Identity)
			one["dataDecoded"] = data
			if data["bioSubType"] != []string{"Left IndexFinger", "Right Thumb"}[i] || data["transactionId"] != "tx-1234" {
				t.Errorf("finger %d: %v of %v", i, data["bioSubType"], data["transactionId"])
			}
			record, err := base64.RawURLEncoding.DecodeString(data["bioValue"].(string))
			if err != nil {
				t.Fatal(err)
			}
			checkFIR(t, record, s.dev.Seen(finger()), []byte{7, 1}[i])
			if want := chain(previous, record); one["hash"] != want {
				t.Errorf("hash %v, want %v", one["hash"], want)
			}
			previous = one["hash"].(string)
		}
		valid(t, "RegistrationCaptureResponse", map[string]any{"biometrics": answer.Biometrics})
	}
}

// TestBestInTime: a score that no image reaches gives the best image before
// the time is up, for each finger.
func TestBestInTime(t *testing.T) {
	s := start(t, nil)
	s.dev.Touch(finger())
	request := s.request(purposeRegister)
	bio := request["bio"].([]any)[0].(map[string]any)
	bio["requestedScore"], bio["count"], bio["bioSubType"] = "100", "2", []string{"Left IndexFinger", "Right Thumb"}
	for _, timeout := range []string{"4000", "16000", "64000"} { // for as long as this machine takes for two images
		request["timeout"] = timeout
		_, raw := s.ask("RCAPTURE", "capture", request)
		var answer captureAnswer
		decodeJSON(t, raw, &answer)
		if len(answer.Biometrics) == 2 && answer.Biometrics[1].Error == success {
			return
		}
		t.Logf("within %s ms: %.200s", timeout, raw)
	}
	t.Error("no two images in any time")
}

func checkFIR(t *testing.T, record []byte, want *image.Gray, position byte) {
	t.Helper()
	be := binary.BigEndian
	if len(record) != firHeader+firRepresentation+len(want.Pix) || string(record[:8]) != "FIR\x00020\x00" || int(be.Uint32(record[8:])) != len(record) {
		t.Fatalf("record of %d bytes", len(record))
	}
	r := record[firHeader:]
	if int(be.Uint32(r)) != len(r) || r[24] != position || be.Uint16(r[27:]) != 385 || r[35] != 8 || r[36] != 0 ||
		int(be.Uint16(r[38:])) != want.Rect.Dx() || int(be.Uint16(r[40:])) != want.Rect.Dy() || int(be.Uint32(r[42:])) != len(want.Pix) {
		t.Errorf("representation % x", r[:firRepresentation])
	}
	if !bytes.Equal(r[firRepresentation:], want.Pix) {
		t.Error("other pixels")
	}
}

func TestAuthentication(t *testing.T) {
	other, err := LoadIdentity(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(other.cert)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(c *Config) { c.Recipient = cert })
	s.dev.Touch(finger())
	request := s.request(purposeAuth)
	valid(t, "AuthCaptureRequest", request)
	_, raw := s.ask("CAPTURE", "capture", request)
	var answer struct {
		Biometrics []map[string]any `json:"biometrics"`
	}
	decodeJSON(t, raw, &answer)
	if len(answer.Biometrics) != 1 || answer.Biometrics[0]["sessionKey"] == nil {
		t.Fatalf("%.300s", raw)
	}
	one := answer.Biometrics[0]
	data := opened(t, one["data"].(string), s.cfg.Identity)
	data["digitalIdDecoded"] = opened(t, data["digitalId"].(string), s.cfg.Identity)
	one["dataDecoded"] = data
	valid(t, "AuthCaptureResponse", answer)

	wrapped, err := base64.RawURLEncoding.DecodeString(one["sessionKey"].(string))
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.DecryptOAEP(sha256.New(), nil, other.key, wrapped, nil)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := newGCM(key)
	if err != nil {
		t.Fatal(err)
	}
	box, err := base64.RawURLEncoding.DecodeString(data["bioValue"].(string))
	if err != nil {
		t.Fatal(err)
	}
	mixed := mix(data["timestamp"].(string), data["transactionId"].(string))
	record, err := gcm.Open(nil, mixed[len(mixed)-12:], box, mixed[len(mixed)-16:])
	if err != nil {
		t.Fatal(err)
	}
	checkFIR(t, record, s.dev.Seen(finger()), 7)
	if one["hash"] != chain("", record) {
		t.Error("the hash is not that of the plain record")
	}
	if _, raw := s.ask("RCAPTURE", "capture", s.request(purposeRegister)); !bytes.Contains(raw, []byte(codePurpose.Code)) {
		t.Errorf("registration with a device for authentication: %s", raw)
	}
	if _, raw := s.ask("STREAM", "stream", map[string]any{"deviceId": deviceID(s.dev.Device("001/002"))}); !bytes.Contains(raw, []byte(codePurpose.Code)) {
		t.Errorf("stream of a device for authentication: %s", raw)
	}
	thumb := sha256.Sum256(other.cert)
	if one["thumbprint"] != strings.ToUpper(hex.EncodeToString(thumb[:])) {
		t.Error("thumbprint")
	}
}

// TestRefusals: what is wrong with a request, or a scanner, has its code.
func TestRefusals(t *testing.T) {
	s := start(t, nil)
	bio := func(r map[string]any) map[string]any { return r["bio"].([]any)[0].(map[string]any) }
	for _, tt := range []struct {
		name   string
		code   errorJSON
		change func(map[string]any)
	}{
		{"nobody comes", codeNoFinger, func(r map[string]any) { r["timeout"] = "150" }},
		{"another device", codeDevice, func(r map[string]any) { bio(r)["deviceId"] = "other" }},
		{"another environment", codeNotReady, func(r map[string]any) { r["env"] = "Production" }},
		{"another purpose", codeRequest, func(r map[string]any) { r["purpose"] = purposeAuth }},
		{"another version", codeRequest, func(r map[string]any) { r["specVersion"] = "2" }},
		{"iris", codeRequest, func(r map[string]any) { bio(r)["type"] = "Iris" }},
		{"no number", codeRequest, func(r map[string]any) { r["timeout"] = "-1" }},
		{"transaction", codeTransact, func(r map[string]any) { r["transactionId"] = "a b" }},
		{"score", codeRequest, func(r map[string]any) { bio(r)["requestedScore"] = "101" }},
		{"hash", codeRequest, func(r map[string]any) { bio(r)["previousHash"] = "AB" }},
		{"no finger wanted", codeCount, func(r map[string]any) { bio(r)["count"] = "0" }},
		{"eleven", codeCount, func(r map[string]any) { bio(r)["count"] = "11" }},
		{"toe", codeCount, func(r map[string]any) { bio(r)["bioSubType"] = []string{"Left Toe"} }},
		{"unknown field", codeRequest, func(r map[string]any) { r["more"] = 1 }},
		{"nothing asked", codeRequest, func(r map[string]any) { r["bio"] = []any{} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			request := s.request(purposeRegister)
			tt.change(request)
			_, raw := s.ask("RCAPTURE", "capture", request)
			var answer captureAnswer
			decodeJSON(t, raw, &answer)
			if len(answer.Biometrics) != 1 || answer.Biometrics[0].Error != tt.code {
				t.Errorf("%s", raw)
			}
			valid(t, "ErrorCaptureResponse", answer)
		})
	}
	if _, raw := s.ask("CAPTURE", "capture", s.request(purposeAuth)); !bytes.Contains(raw, []byte(`"108"`)) {
		t.Errorf("no recipient: %s", raw)
	}
	if status, raw := s.ask("GET", "secret", nil); status != http.StatusNotFound || !bytes.Contains(raw, []byte(`"500"`)) {
		t.Errorf("another path: %d %s", status, raw)
	}
}

// TestGuard: who may ask.
func TestGuard(t *testing.T) {
	s := start(t, nil)
	for _, tt := range []struct {
		name    string
		method  string
		headers []string
		status  int
	}{
		{"a program", "MOSIPDISC", nil, http.StatusOK},
		{"a paired page", "MOSIPDISC", []string{"Origin", paired, "Sec-Fetch-Site", "cross-site"}, http.StatusOK},
		{"another page", "MOSIPDISC", []string{"Origin", "https://evil.example"}, http.StatusForbidden},
		{"a page without a name", "MOSIPDISC", []string{"Origin", "null"}, http.StatusForbidden},
		{"a page that hides", "MOSIPDISC", []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"another host", "MOSIPDISC", []string{"Host", "evil.example"}, http.StatusMisdirectedRequest},
		{"a paired page asks before", http.MethodOptions, []string{"Origin", paired}, http.StatusNoContent},
		{"another page asks before", http.MethodOptions, []string{"Origin", "https://evil.example"}, http.StatusForbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if status, raw := s.ask(tt.method, "device", map[string]string{"type": "Finger"}, tt.headers...); status != tt.status {
				t.Errorf("%d %s", status, raw)
			}
		})
	}
}

// TestStream: who watches sees the image of a capture.
func TestStream(t *testing.T) {
	s := start(t, nil)
	raw, err := json.Marshal(map[string]any{"deviceId": deviceID(s.dev.Device("001/002")), "deviceSubId": "0", "timeout": "60000"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), "STREAM", s.base+"stream", bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	s.dev.Touch(finger())
	if _, got := s.ask("RCAPTURE", "capture", s.request(purposeRegister)); !bytes.Contains(got, []byte("Success")) {
		t.Fatalf("%.300s", got)
	}
	part, err := multipart.NewReader(answer.Body, boundary).NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	if part.Header.Get("Content-Type") != "image/jpeg" {
		t.Error(part.Header)
	}
	head := make([]byte, 2)
	if _, err := io.ReadFull(part, head); err != nil || !bytes.Equal(head, []byte{0xFF, 0xD8}) {
		t.Errorf("% x, %v", head, err)
	}
	if _, got := s.ask("STREAM", "stream", map[string]any{"deviceId": "other"}); !bytes.Contains(got, []byte(`"202"`)) {
		t.Errorf("another device: %s", got)
	}
}

// TestStreamOfAnother: who watches one scanner sees nothing of another's.
func TestStreamOfAnother(t *testing.T) {
	p := newPreview()
	mine, stop := p.watch("a")
	p.show("b", finger())
	select {
	case <-mine:
		t.Error("another's finger")
	default:
	}
	p.show("a", finger())
	if img := <-mine; img != finger() {
		t.Error("another image")
	}
	stop()
	p.show("a", finger())
	if len(mine) > 0 {
		t.Error("watched on")
	}
}

// TestPorts: a port in use is passed over.
func TestPorts(t *testing.T) {
	first, second := start(t, nil), start(t, nil)
	if first.base == second.base {
		t.Error("two services on one port")
	}
	for _, s := range []*service{first, second} {
		var port int
		if n, err := fmt.Sscanf(s.base, "http://127.0.0.1:%d/", &port); n != 1 || err != nil || port < FirstPort || port > LastPort {
			t.Errorf("address %s", s.base)
		}
		dialer := net.Dialer{Timeout: time.Minute}
		if c, err := dialer.DialContext(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
			t.Error(err)
		} else {
			_ = c.Close()
		}
	}
}

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	made, err := LoadIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadIdentity(dir)
	if err != nil || !again.key.Equal(made.key) || !bytes.Equal(again.cert, made.cert) {
		t.Fatalf("another identity, %v", err)
	}
	foreign := t.TempDir()
	if _, err := LoadIdentity(foreign); err != nil {
		t.Fatal(err)
	}
	for _, breakIt := range []func() error{
		func() error {
			return os.Rename(filepath.Join(foreign, CertificateFile), filepath.Join(dir, CertificateFile))
		},
		func() error { return os.WriteFile(filepath.Join(dir, CertificateFile), []byte("x"), 0o600) },
		func() error { return os.WriteFile(filepath.Join(dir, KeyFile), []byte("x"), 0o600) },
	} {
		if err := breakIt(); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadIdentity(dir); !errors.Is(err, ErrIdentity) {
			t.Errorf("%v", err)
		}
	}
}

func TestQuality(t *testing.T) {
	if q := quality(finger(), 385); q < 40 {
		t.Errorf("a finger: %d", q)
	}
	if q := quality(image.NewGray(image.Rect(0, 0, 256, 180)), 385); q > 10 {
		t.Errorf("nothing: %d", q)
	}
	if q := quality(image.NewGray(image.Rect(0, 0, 3, 3)), 385); q != 0 {
		t.Errorf("too small: %d", q)
	}
}
