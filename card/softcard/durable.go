package softcard

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteImage stores an image at path so that a crash leaves the old image or
// the new one: a temporary file is written and flushed, renamed over path, and
// the folder is flushed. The file is readable by its owner only, since an
// image holds the card's private keys.
func WriteImage(path string, image []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("write card image: %w", err)
	}
	_, err = f.Write(image)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write card image: %w", errors.Join(err, os.Remove(f.Name())))
	}
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("write card image: flush folder: %w", err)
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
