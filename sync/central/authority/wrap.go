package authority

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"

	"github.com/dhamani-iq/dhamani/crypto/keystore"
	"github.com/dhamani-iq/dhamani/record"
	"github.com/dhamani-iq/dhamani/sync/central/store"
)

// What is sealed under the wrap key. The name is part of the additional data,
// so that one cannot stand in the place of another.
const (
	kindKeys     = "root keys"
	kindIdentity = "identity"
	kindCover    = "cover"
)

const wrapContext = "dhamani centre wrap v1"

func openSealer(keys *keystore.Store, name string) (cipher.AEAD, error) {
	secret, err := keys.Secret(name)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret.Reveal())
	if err != nil {
		return nil, fmt.Errorf("open key %s: %w", name, err)
	}
	return cipher.NewGCM(block)
}

func wrapAAD(kind string, patient record.PatientID) []byte {
	return append([]byte(wrapContext+"\x00"+kind+"\x00"), patient[:]...)
}

// seal seals under the wrap key.
func (a *Authority) seal(kind string, patient record.PatientID, plain []byte) ([]byte, error) {
	return sealUnder(a.wrap, wrapAAD(kind, patient), plain)
}

// open is the inverse of seal. It owes store.ErrCorrupt.
func (a *Authority) open(kind string, patient record.PatientID, sealed []byte) ([]byte, error) {
	return openUnder(a.wrap, kind, wrapAAD(kind, patient), sealed)
}

// sealUnder gives nonce(12) || AES-256-GCM ciphertext and tag. Nothing stays
// nothing.
func sealUnder(key cipher.AEAD, aad, plain []byte) ([]byte, error) {
	if len(plain) == 0 {
		return nil, nil
	}
	nonce := make([]byte, key.NonceSize(), key.NonceSize()+len(plain)+key.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("draw nonce: %w", err)
	}
	return key.Seal(nonce, nonce, plain, aad), nil
}

// openUnder is the inverse of sealUnder. It owes store.ErrCorrupt.
func openUnder(key cipher.AEAD, kind string, aad, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	n := key.NonceSize()
	if len(sealed) < n {
		return nil, fmt.Errorf("open stored %s: %w", kind, store.ErrCorrupt)
	}
	plain, err := key.Open(nil, sealed[:n], sealed[n:], aad)
	if err != nil {
		return nil, fmt.Errorf("open stored %s: %w", kind, store.ErrCorrupt)
	}
	return plain, nil
}

// Content returns the identity and the cover last issued for a patient.
func (a *Authority) Content(p store.Patient) (identity, cover []byte, err error) {
	if identity, err = a.open(kindIdentity, p.ID, p.Identity); err != nil {
		return nil, nil, err
	}
	cover, err = a.open(kindCover, p.ID, p.Cover)
	return identity, cover, err
}
