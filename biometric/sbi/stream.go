package sbi

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/dhamani-iq/dhamani/internal/logkey"
)

// preview passes images on to whoever watches, and keeps none.
type preview struct {
	mu       sync.Mutex                  // guards watchers
	watchers map[chan *image.Gray]string // whose images they watch, by deviceId
}

func newPreview() *preview { return &preview{watchers: make(map[chan *image.Gray]string)} }

// watch gives a device's images from now on until stop is called. Who is slow
// misses some.
func (p *preview) watch(device string) (images <-chan *image.Gray, stop func()) {
	c := make(chan *image.Gray, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers[c] = device
	return c, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, c)
	}
}

func (p *preview) show(device string, img *image.Gray) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c, watched := range p.watchers {
		if watched != device {
			continue
		}
		select {
		case c <- img:
		default:
		}
	}
}

const (
	boundary      = "dhamani-frame"
	streamDefault = 5 * time.Minute
)

// stream answers STREAM: the images of captures while they are made, as
// multipart JPEG: all of them from a scanner that films, else those that were
// taken. It is for registration only.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	var request struct {
		DeviceID    string `json:"deviceId"`
		DeviceSubID string `json:"deviceSubId"`
		Timeout     string `json:"timeout"`
		Dimensions  any    `json:"dimensions"`
	}
	if err := decode(r, &request); err != nil {
		s.answer(w, r, http.StatusOK, map[string]any{"error": codeRequest})
		return
	}
	if s.purpose() != purposeRegister {
		s.answer(w, r, http.StatusOK, map[string]any{"error": codePurpose})
		return
	}
	limit := streamDefault
	if millis, err := strconv.ParseUint(request.Timeout, 10, 31); err == nil && millis > 0 {
		limit = min(limit, time.Duration(millis)*time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	devices, err := s.cfg.Hub.List(ctx)
	known := false
	for _, d := range devices {
		known = known || deviceID(d) == request.DeviceID
	}
	if err != nil || !known {
		s.answer(w, r, http.StatusOK, map[string]any{"error": codeNone})
		return
	}
	images, stop := s.preview.watch(request.DeviceID)
	defer stop()
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary="+boundary)
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w)
	// Who does not read holds the stream no longer than its time either.
	if end, ok := ctx.Deadline(); ok {
		if err := flush.SetWriteDeadline(end); err != nil {
			s.cfg.Log.DebugContext(ctx, "stream ended", logkey.Error, err)
			return
		}
	}
	for err = flush.Flush(); err == nil; err = flush.Flush() {
		select {
		case <-ctx.Done():
			return // the time is up
		case img := <-images:
			if err := writeFrame(w, img); err != nil {
				s.cfg.Log.DebugContext(ctx, "stream ended", logkey.Error, err)
				return
			}
		}
	}
}

func writeFrame(w io.Writer, img *image.Gray) error {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	if _, err := fmt.Fprintf(w, "--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", boundary, b.Len(), b.Bytes()); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	return nil
}
