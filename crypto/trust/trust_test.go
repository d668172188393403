package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// listed describes a key that is valid for a year on either side of now.
func listed(pub *ecdsa.PublicKey, usage Usage, name string) Key {
	return Key{
		Public: pub, Usage: usage, Facility: 7, Name: name,
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
	}
}

// bigList makes a signed list of n authors.
func bigList(tb testing.TB, root *ecdsa.PrivateKey, n int) []byte {
	tb.Helper()
	l := List{Version: 1, Issued: now, Expires: now.AddDate(0, 0, 30)}
	seen := make(map[[4]byte]bool)
	for len(l.Keys) < n {
		pub := &newKey(tb).PublicKey
		if kid := KIDOf(pub); !seen[kid] {
			seen[kid] = true
			l.Keys = append(l.Keys, listed(pub, UsageAuthor, "Dr Somebody of Somewhere"))
		}
	}
	raw, err := SignList(root, l)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// smallList signs a list of the given version.
func smallList(tb testing.TB, root *ecdsa.PrivateKey, version uint64, keys ...Key) []byte {
	tb.Helper()
	raw, err := SignList(root, List{Version: version, Issued: now, Expires: now.AddDate(0, 0, 30), Keys: keys})
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// storeOf returns a store that knows the keys.
func storeOf(tb testing.TB, keys ...Key) *Store {
	tb.Helper()
	root := newKey(tb)
	s := NewStore(&root.PublicKey)
	if err := s.UpdateTrust(smallList(tb, root, 1, keys...)); err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestListRoundTrip(t *testing.T) {
	root := newKey(t)
	var keys []Key
	for i, usage := range []Usage{UsageIssuer, UsageAuthor, UsageCentre, UsageAuthor} {
		k := listed(&newKey(t).PublicKey, usage, []string{"", "د. سالم", "Centre", "د. سالم"}[i])
		k.KID = KIDOf(k.Public)
		k.Facility = uint32(i) << 30
		if i == 3 {
			k.Revoked = now
		}
		keys = append(keys, k)
	}
	l, err := ParseList(smallList(t, root, 9, keys...), &root.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if l.Version != 9 || !l.Issued.Equal(now) || !l.Expires.Equal(now.AddDate(0, 0, 30)) || len(l.Keys) != len(keys) {
		t.Fatalf("list is read back as %+v", l)
	}
	for _, want := range keys {
		i := slices.IndexFunc(l.Keys, func(k Key) bool { return k.KID == want.KID })
		if i < 0 {
			t.Fatalf("key %x is missing", want.KID)
		}
		got := l.Keys[i]
		if !got.Public.Equal(want.Public) || got.Usage != want.Usage || got.Facility != want.Facility || got.Name != want.Name ||
			!got.NotBefore.Equal(want.NotBefore) || !got.NotAfter.Equal(want.NotAfter) || !got.Revoked.Equal(want.Revoked) {
			t.Errorf("key %x is read back as %+v", want.KID, got)
		}
	}
	if _, err := ParseList(smallList(t, root, 1), &newKey(t).PublicKey); !errors.Is(err, ErrSignature) {
		t.Errorf("another root: %v", err)
	}
}

func TestSignListRefuses(t *testing.T) {
	root := newKey(t)
	good := listed(&newKey(t).PublicKey, UsageAuthor, "a")
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Key)
		want   error
	}{
		"no key":             {func(k *Key) { k.Public = nil }, ErrFormat},
		"p384":               {func(k *Key) { k.Public = &p384.PublicKey }, ErrFormat},
		"no usage":           {func(k *Key) { k.Usage = 0 }, ErrFormat},
		"unknown usage":      {func(k *Key) { k.Usage = 4 }, ErrFormat},
		"another's kid":      {func(k *Key) { k.KID = [4]byte{1} }, ErrFormat},
		"long name":          {func(k *Key) { k.Name = strings.Repeat("n", 256) }, ErrFormat},
		"name of no text":    {func(k *Key) { k.Name = "\xff" }, ErrFormat},
		"time before 2000":   {func(k *Key) { k.NotBefore = time.Time{} }, ErrFormat},
		"the same key again": {func(*Key) {}, ErrDuplicateKey},
	} {
		t.Run(name, func(t *testing.T) {
			k := good
			c.change(&k)
			_, err := SignList(root, List{Issued: now, Expires: now, Keys: []Key{good, k}})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if _, err := SignList(root, List{}); !errors.Is(err, ErrFormat) {
		t.Errorf("no times: %v", err)
	}
}

func TestRollback(t *testing.T) {
	root := newKey(t)
	a, b := listed(&newKey(t).PublicKey, UsageAuthor, "a"), listed(&newKey(t).PublicKey, UsageAuthor, "b")
	s := NewStore(&root.PublicKey)
	if trust, block := s.Versions(); trust != 0 || block != 0 {
		t.Error("versions without lists")
	}
	block := func(version uint64, cards ...[8]byte) []byte {
		raw, err := SignBlockList(root, BlockList{Version: version, Issued: now, Cards: cards})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for i, step := range []struct {
		err  error
		want error
	}{
		{s.UpdateTrust(smallList(t, root, 5, a)), nil},
		{s.UpdateTrust(smallList(t, root, 5, b)), nil}, // the version at hand: no change
		{s.UpdateTrust(smallList(t, root, 4, b)), ErrRollback},
		{s.UpdateBlock(block(3, [8]byte{1})), nil},
		{s.UpdateBlock(block(3, [8]byte{2})), nil},
		{s.UpdateBlock(block(2, [8]byte{2})), ErrRollback},
		{s.UpdateBlock(smallList(t, root, 9)), ErrSignature}, // one kind for another
		{s.UpdateTrust(block(9)), ErrSignature},
		{s.UpdateTrust(nil), ErrFormat},
		{s.UpdateTrust(smallList(t, newKey(t), 9)), ErrSignature},
	} {
		if !errors.Is(step.err, step.want) {
			t.Errorf("step %d: %v", i, step.err)
		}
	}
	if trust, block := s.Versions(); trust != 5 || block != 3 {
		t.Errorf("versions %d, %d", trust, block)
	}
	if _, err := s.Author(KIDOf(a.Public), now); err != nil {
		t.Errorf("key of the list at hand: %v", err)
	}
	if _, err := s.Author(KIDOf(b.Public), now); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("key of a refused list: %v", err)
	}
	if !s.Blocked([8]byte{1}) || s.Blocked([8]byte{2}) {
		t.Error("block list at hand is wrong")
	}
	if err := s.UpdateTrust(smallList(t, root, 6, b)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Author(KIDOf(b.Public), now); err != nil {
		t.Errorf("key of the new list: %v", err)
	}
}

func TestAuthor(t *testing.T) {
	k := listed(&newKey(t).PublicKey, UsageAuthor, "Dr A")
	revoked := listed(&newKey(t).PublicKey, UsageAuthor, "Dr B")
	revoked.Revoked = now.AddDate(0, -1, 0)
	issuer := listed(&newKey(t).PublicKey, UsageIssuer, "issuer")
	s := storeOf(t, k, revoked, issuer)
	for name, c := range map[string]struct {
		key  Key
		at   time.Time
		want error
	}{
		"now":                 {k, now, nil},
		"first minute":        {k, k.NotBefore, nil},
		"last minute":         {k, k.NotAfter, nil},
		"too early":           {k, k.NotBefore.Add(-time.Minute), ErrKeyExpired},
		"too late":            {k, k.NotAfter.Add(time.Minute), ErrKeyExpired},
		"before revocation":   {revoked, revoked.Revoked.Add(-time.Minute), nil},
		"at revocation":       {revoked, revoked.Revoked, ErrKeyRevoked},
		"after revocation":    {revoked, now, ErrKeyRevoked},
		"key for another use": {issuer, now, ErrUnknownKey},
		"key of no list":      {listed(&newKey(t).PublicKey, UsageAuthor, ""), now, ErrUnknownKey},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // decoded, then remembered
				got, err := s.Author(KIDOf(c.key.Public), c.at)
				if !errors.Is(err, c.want) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
				if err == nil && (got.Name != c.key.Name || got.Facility != 7 || !got.Public.Equal(c.key.Public)) {
					t.Errorf("key %+v", got)
				}
			}
		})
	}
	if _, err := NewStore(&newKey(t).PublicKey).Author([4]byte{}, now); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("without a list: %v", err)
	}
}

// TestWrongRowsAreFound signs rows that SignList would not make.
func TestWrongRowsAreFound(t *testing.T) {
	root := newKey(t)
	good, err := encodeKey(listed(&newKey(t).PublicKey, UsageAuthor, ""), 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change        func([]byte)
		update, asked error
	}{
		"point is not on the curve": {func(r []byte) { r[4] = 5 }, nil, ErrFormat},
		"identifier is another's":   {func(r []byte) { r[0] ^= 1 }, nil, ErrFormat},
		"unknown usage":             {func(r []byte) { r[37] = 9 }, ErrFormat, nil},
		"time out of range":         {func(r []byte) { r[42] = 0xff }, ErrFormat, nil},
		"name out of range":         {func(r []byte) { r[58] = 1 }, ErrFormat, nil},
		"name offset out of range":  {func(r []byte) { r[54] = 0xff }, ErrFormat, nil},
	} {
		t.Run(name, func(t *testing.T) {
			row := slices.Clone(good)
			c.change(row)
			s := NewStore(&root.PublicKey)
			if err := s.UpdateTrust(signWire(t, root, listWire{Version: 1, Rows: row}, aadTrust)); !errors.Is(err, c.update) {
				t.Fatalf("update: %v", err)
			}
			if _, err := s.Author([4]byte(row), now); c.asked != nil && !errors.Is(err, c.asked) {
				t.Errorf("author: %v", err)
			}
		})
	}
	other, err := encodeKey(listed(&newKey(t).PublicKey, UsageAuthor, ""), 0)
	if err != nil {
		t.Fatal(err)
	}
	two := [][]byte{good, other}
	sorted := sortRows(two)
	for name, w := range map[string]listWire{
		"falling":         {Rows: slices.Concat(two[1], two[0])},
		"repeated":        {Rows: slices.Concat(two[0], two[0])},
		"cut":             {Rows: sorted[:len(sorted)-1]},
		"expires earlier": {Issued: 2, Expires: 1},
		"far future":      {Issued: 0, Expires: maxMinutes + 1},
	} {
		if err := NewStore(&root.PublicKey).UpdateTrust(signWire(t, root, w, aadTrust)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBlockList(t *testing.T) {
	root := newKey(t)
	l := BlockList{Version: 1, Issued: now}
	for i := range 5000 {
		var card [8]byte
		if i%2 == 0 { // half of them clustered, against the nature of the numbers
			card = [8]byte{0, 0, 0, 0, 0, 0, byte(i >> 8), byte(i)}
		} else if _, err := rand.Read(card[:]); err != nil {
			t.Fatal(err)
		}
		l.Cards = append(l.Cards, card)
	}
	raw, err := SignBlockList(root, l)
	if err != nil {
		t.Fatal(err)
	}
	s := NewStore(&root.PublicKey)
	if s.Blocked(l.Cards[0]) {
		t.Error("blocked without a list")
	}
	if err := s.UpdateBlock(raw); err != nil {
		t.Fatal(err)
	}
	for _, card := range l.Cards {
		if !s.Blocked(card) {
			t.Fatalf("card %x is not blocked", card)
		}
		card[0] ^= 0x80
		if s.Blocked(card) {
			t.Fatalf("card %x is blocked", card)
		}
	}
	back, err := ParseBlockList(raw, &root.PublicKey)
	if err != nil || len(back.Cards) != len(l.Cards) || back.Version != 1 {
		t.Errorf("read back: %v", err)
	}
	l.Cards = append(l.Cards, l.Cards[0])
	if _, err := SignBlockList(root, l); !errors.Is(err, ErrDuplicateKey) {
		t.Errorf("card twice: %v", err)
	}
	empty, err := SignBlockList(root, BlockList{Version: 2, Issued: now})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.UpdateBlock(empty); err != nil || s.Blocked(l.Cards[0]) {
		t.Errorf("empty list: %v", err)
	}
}

func TestAge(t *testing.T) {
	root := newKey(t)
	s := NewStore(&root.PublicKey)
	if a := s.Age(now); !a.Missing || a.Expired {
		t.Errorf("without lists: %+v", a)
	}
	if err := s.UpdateTrust(smallList(t, root, 1)); err != nil {
		t.Fatal(err)
	}
	raw, err := SignBlockList(root, BlockList{Issued: now.Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.UpdateBlock(raw); err != nil {
		t.Fatal(err)
	}
	later := now.AddDate(0, 0, 31)
	if a := s.Age(later); a.Missing || !a.Expired || a.Trust != later.Sub(now) || a.Block != later.Sub(now)+time.Hour {
		t.Errorf("after a month: %+v", a)
	}
	if a := s.Age(now); a.Expired {
		t.Errorf("fresh: %+v", a)
	}
}

func TestReadersDuringUpdates(t *testing.T) {
	root := newKey(t)
	k := listed(&newKey(t).PublicKey, UsageAuthor, "a")
	s := NewStore(&root.PublicKey)
	var lists [][]byte
	for v := range uint64(20) {
		lists = append(lists, smallList(t, root, v+1, k))
	}
	if err := s.UpdateTrust(lists[0]); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if _, err := s.Author(KIDOf(k.Public), now); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, raw := range lists {
		wg.Go(func() {
			if err := s.UpdateTrust(raw); err != nil && !errors.Is(err, ErrRollback) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if v, _ := s.Versions(); v != 20 {
		t.Errorf("version %d", v)
	}
}
