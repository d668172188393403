package eval

import (
	"context"
	"fmt"

	"github.com/dhamani-iq/dhamani/biometric/extract"
	"github.com/dhamani-iq/dhamani/biometric/fmr"
)

// Impression is one image's template.
type Impression struct {
	Finger, Number int // as the image is named
	Template       *fmr.Template
}

// Templates extracts those images of a folder that are of fingers, which have
// dpi pixels an inch, by finger and impression. An image without a template is
// left out. It owes ErrEmpty and ctx's error.
func Templates(ctx context.Context, dir string, dpi int, fingers Fingers) ([]Impression, error) {
	all, err := samples(dir, fingers)
	if err != nil {
		return nil, err
	}
	var out []Impression
	for _, s := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		img, err := open(s.path)
		if err != nil {
			return nil, fmt.Errorf("read image: %w", err)
		}
		t, err := extract.Extract(img, dpi)
		if err != nil || len(t.Views[0].Minutiae) == 0 {
			continue
		}
		out = append(out, Impression{s.finger, s.impression, t})
	}
	return out, nil
}
