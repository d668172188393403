package cose

import "fmt"

const maxHeaders = 16

// parse checks the tag and the bounds and reads the array behind the tag.
func parse(raw []byte, tag byte, wire any) error {
	if len(raw) > MaxMessage {
		return fmt.Errorf("message of %d bytes: %w", len(raw), ErrFormat)
	}
	if len(raw) == 0 || raw[0] != tag {
		return fmt.Errorf("tag is missing or another: %w", ErrFormat)
	}
	return Unmarshal(raw[1:], wire)
}

// headers reads both header maps (RFC 9052 section 3). The algorithm has to be
// protected, no label may stand in both, and a critical parameter is one that
// is not understood here.
func headers(protected []byte, unprotected map[any]any, alg int64) (kid, iv []byte, err error) {
	var inner map[any]any
	if len(protected) > 0 {
		if err := Unmarshal(protected, &inner); err != nil {
			return nil, nil, fmt.Errorf("protected header: %w", err)
		}
	}
	if unprotected == nil || len(inner) > maxHeaders || len(unprotected) > maxHeaders {
		return nil, nil, fmt.Errorf("headers: %w", ErrFormat)
	}
	_, protectedCrit := inner[headerCrit]
	if _, found := unprotected[headerCrit]; found || protectedCrit {
		return nil, nil, fmt.Errorf("critical header: %w", ErrUnsupported)
	}
	if inner[headerAlg] != alg {
		return nil, nil, fmt.Errorf("algorithm is another or not protected: %w", ErrUnsupported)
	}
	for _, m := range []map[any]any{inner, unprotected} {
		for label, value := range m {
			switch label.(type) {
			case int64, string:
			default:
				return nil, nil, fmt.Errorf("header label: %w", ErrFormat)
			}
			if label != headerKID && label != headerIV {
				continue
			}
			b, ok := value.([]byte)
			if !ok || len(b) > MaxKeyID {
				return nil, nil, fmt.Errorf("header %v: %w", label, ErrFormat)
			}
			if label == headerKID {
				kid = b
			} else {
				iv = b
			}
		}
	}
	for label := range inner {
		if _, found := unprotected[label]; found {
			return nil, nil, fmt.Errorf("header label in both maps: %w", ErrFormat)
		}
	}
	return kid, iv, nil
}
