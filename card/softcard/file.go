package softcard

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dhamani-iq/dhamani/internal/durable"
)

// WriteImage stores an image at path so that a crash leaves the old image or
// the new one. The file is readable by its owner only, since an image holds
// the card's private keys.
func WriteImage(path string, image []byte) error {
	if err := durable.WriteFile(path, image, 0o600); err != nil {
		return fmt.Errorf("write card image: %w", err)
	}
	return nil
}

// ReadImage reads an image file; it never reads more than one image's bytes.
// What it returns is not checked: Load does that.
func ReadImage(path string) ([]byte, error) {
	f, err := os.Open(path) // #nosec G304 -- the caller names the file
	if err != nil {
		return nil, fmt.Errorf("read card image: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, int64(imageSize)+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read card image: %w", err)
	}
	return raw, nil
}
