package operator

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const passphrase = "kahi w geymer 7"

func newStore(tb testing.TB) *Store {
	tb.Helper()
	return Open(filepath.Join(tb.TempDir(), "operators"))
}

func TestUnlockGivesTheKeys(t *testing.T) {
	s := newStore(t)
	made, keys, err := s.New("zaynab", "Dr Zaynab", passphrase)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.New("zaynab", "Another", passphrase); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("the same operator again: %v", err)
	}
	got, err := Open(s.dir).Unlock("zaynab", passphrase)
	if err != nil {
		t.Fatal(err)
	}
	if got.Vault != keys.Vault || got.Vault == [VaultSize]byte{} {
		t.Fatal("the vault is another one")
	}
	author, terminal, err := made.PublicKeys()
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("text"))
	for _, k := range []struct {
		name   string
		public *ecdsa.PublicKey
		sign   func() ([]byte, error)
	}{
		{"author", author, func() ([]byte, error) { return got.Author.Sign(rand.Reader, digest[:], nil) }},
		{"terminal", terminal, func() ([]byte, error) { return got.Terminal.Sign(rand.Reader, digest[:], nil) }},
	} {
		if sig, err := k.sign(); err != nil || !ecdsa.VerifyASN1(k.public, digest[:], sig) {
			t.Errorf("%s key: %v", k.name, err)
		}
	}
	raw, err := os.ReadFile(s.path("zaynab"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, keys.Vault[:]) {
		t.Fatal("the vault stands in the file")
	}
	if info, err := os.Stat(s.path("zaynab")); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if text := fmt.Sprintf("%+v %#v", got.Author, got.Terminal); strings.Contains(text, "D:") {
		t.Fatal("a key prints")
	}
}

// The same letters, typed as one character or as two.
func TestPassphraseHasOneForm(t *testing.T) {
	s := newStore(t)
	if _, _, err := s.New("op", "Op", "caf\u00e9 kah\u0165 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Unlock("op", "cafe\u0301 kaht\u030c 1"); err != nil {
		t.Fatal(err)
	}
}

func TestChangePassphrase(t *testing.T) {
	s := newStore(t)
	if _, _, err := s.New("op", "Op", passphrase); err != nil {
		t.Fatal(err)
	}
	if err := s.SetGrant("op", []byte("grant")); err != nil {
		t.Fatal(err)
	}
	if err := s.ChangePassphrase("op", "not the right one", "another passphrase"); !errors.Is(err, ErrSecret) {
		t.Fatal(err)
	}
	if err := s.ChangePassphrase("op", passphrase, "short"); !errors.Is(err, ErrWeak) {
		t.Fatal(err)
	}
	if err := s.ChangePassphrase("op", passphrase, "another passphrase"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Unlock("op", passphrase); !errors.Is(err, ErrSecret) {
		t.Fatalf("the old passphrase: %v", err)
	}
	if _, err := s.Unlock("op", "another passphrase"); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Get("op"); err != nil || string(c.Grant) != "grant" {
		t.Fatalf("grant %q, %v", c.Grant, err)
	}
	if err := s.Remove("op"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Unlock("op", "another passphrase"); !errors.Is(err, ErrUnknown) {
		t.Fatal(err)
	}
}

func TestWrongPassphrasesWait(t *testing.T) {
	s := newStore(t)
	if _, _, err := s.New("op", "Op", passphrase); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		for i := range freeFailures {
			if _, err := s.Unlock("op", "wrong passphrase"); !errors.Is(err, ErrSecret) {
				t.Fatalf("try %d: %v", i, err)
			}
		}
		for _, want := range []time.Duration{firstWait, 2 * firstWait, 4 * firstWait} {
			_, err := s.Unlock("op", passphrase) // not even the right one
			var wait *WaitError
			if !errors.As(err, &wait) || wait.Wait > want || wait.Wait < want-2*time.Second {
				t.Fatalf("got %v, want a wait of %v", err, want)
			}
			time.Sleep(want)
			if _, err := s.Unlock("op", "wrong passphrase"); !errors.Is(err, ErrSecret) {
				t.Fatalf("after the wait: %v", err)
			}
		}
		time.Sleep(longestWait)
		if _, err := s.Unlock("op", passphrase); err != nil {
			t.Fatal(err)
		}
		if c, err := s.Get("op"); err != nil || c.Lock.Failures != 0 {
			t.Fatalf("%d failures after the right passphrase, %v", c.Lock.Failures, err)
		}
	})
}

// A clock that ran ahead while wrong passphrases were tried, and was put right
// since, locks nobody out until it is there again.
func TestWaitEndsAfterTheClockWasSetBack(t *testing.T) {
	s := newStore(t)
	c, _, err := s.New("op", "Op", passphrase)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c.Lock.Failures, c.Lock.FailedAt = freeFailures, uint64(time.Now().AddDate(1, 0, 0).Unix())
		if err := s.write(c); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Unlock("op", passphrase); !errors.As(err, new(*WaitError)) {
			t.Fatalf("at once: %v", err)
		}
		time.Sleep(firstWait + time.Second)
		if _, err := s.Unlock("op", passphrase); err != nil {
			t.Fatalf("after the wait: %v", err)
		}
	})
}

func TestWaitOfFailures(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		name     string
		failures uint32
		ago      time.Duration
		want     time.Duration
	}{
		{"none", 0, 0, 0},
		{"the free ones", freeFailures - 1, 0, 0},
		{"the first that waits", freeFailures, 0, firstWait},
		{"half of it is over", freeFailures, 2 * time.Second, 3 * time.Second},
		{"over", freeFailures, time.Minute, 0},
		{"the next", freeFailures + 1, 0, 2 * firstWait},
		{"many", freeFailures + 8, 0, longestWait},
		{"as many as can be written", 1<<32 - 1, time.Minute, longestWait - time.Minute},
		{"clock set back by a year", freeFailures, -365 * 24 * time.Hour, firstWait},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &lock{Failures: c.failures, FailedAt: uint64(now.Add(-c.ago).Unix())}
			if got := l.wait(now); got != c.want {
				t.Fatalf("wait %v, want %v", got, c.want)
			}
		})
	}
}

// Whatever is changed in a file, it never opens to other keys.
func TestTamperedCredential(t *testing.T) {
	s := newStore(t)
	c, _, err := s.New("op", "Op", passphrase)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := s.New("other", "Other", passphrase)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		change func(*Credential)
		want   error
	}{
		{"sealed bytes", func(c *Credential) { c.Lock.Sealed[40] ^= 1 }, ErrSecret},
		{"salt", func(c *Credential) { c.Lock.Salt[0] ^= 1 }, ErrSecret},
		{"keys of another", func(c *Credential) { c.Author, c.Terminal = other.Author, other.Terminal }, ErrSecret},
		{"lock of another", func(c *Credential) { c.Lock = other.Lock }, ErrSecret},
		{"weaker passes", func(c *Credential) { c.Lock.Passes = 1 }, ErrFormat},
		{"less memory", func(c *Credential) { c.Lock.Memory = 1024 }, ErrFormat},
		{"memory of a data centre", func(c *Credential) { c.Lock.Memory = 1 << 31 }, ErrFormat},
		{"no lanes", func(c *Credential) { c.Lock.Lanes = 0 }, ErrFormat},
		{"another kind", func(c *Credential) { c.Kind = KindPIV }, ErrFormat},
	} {
		t.Run(test.name, func(t *testing.T) {
			changed := *c
			changed.Lock.Sealed, changed.Lock.Salt = bytes.Clone(c.Lock.Sealed), bytes.Clone(c.Lock.Salt)
			test.change(&changed)
			raw, err := codec.Marshal(&changed)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.path("op"), raw, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Unlock("op", passphrase); !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestPIVCredential(t *testing.T) {
	s := newStore(t)
	author, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	terminal, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if _, err := s.NewPIV("card", "Nurse", &author.PublicKey, &terminal.PublicKey); err != nil {
		t.Fatal(err)
	}
	if _, err := s.NewPIV("same", "Nurse", &author.PublicKey, &author.PublicKey); !errors.Is(err, ErrFormat) {
		t.Fatalf("one key twice: %v", err)
	}
	if _, err := s.Unlock("card", passphrase); !errors.Is(err, ErrKind) {
		t.Fatalf("unlock with a passphrase: %v", err)
	}
	list, err := s.List()
	if err != nil || len(list) != 1 || list[0].Kind != KindPIV {
		t.Fatalf("list %v, %v", list, err)
	}
}

func TestIdentifiers(t *testing.T) {
	for id, good := range map[string]bool{
		"a": true, "dr-zaynab": true, "7": true, "": false, "-a": false, "a-": false, "A": false, "../x": false,
		"a.b": false, strings.Repeat("a", 24): true, strings.Repeat("a", 25): false,
	} {
		if err := CheckID(id); (err == nil) != good {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	author, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	terminal, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s := newStore(f)
	if _, err := s.NewPIV("card", "Nurse", &author.PublicKey, &terminal.PublicKey); err != nil {
		f.Fatal(err)
	}
	if _, _, err := s.New("op", "Op", passphrase); err != nil {
		f.Fatal(err)
	}
	for _, id := range []string{"card", "op"} {
		raw, err := os.ReadFile(s.path(id))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := parse(raw)
		if err != nil {
			return
		}
		again, err := c.encode()
		if err != nil || !bytes.Equal(raw, again) {
			t.Fatalf("read %x, wrote %x, %v", raw, again, err)
		}
	})
}

func BenchmarkUnlock(b *testing.B) {
	s := newStore(b)
	if _, _, err := s.New("op", "Op", passphrase); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Unlock("op", passphrase); err != nil {
			b.Fatal(err)
		}
	}
}
