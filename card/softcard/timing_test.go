package softcard

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestLinkModel compares with figures computed by hand from ISO/IEC 14443-4
// and 7816-3.
func TestLinkModel(t *testing.T) {
	for _, tt := range []struct {
		link Link
		n    int
		want time.Duration
	}{
		// 65 blocks: (16384+195)*9 + 130 bits at 423.75 kbit/s, 65 * (29 bits + 0.3 ms)
		{LinkContactless424, 16384, 376 * time.Millisecond},
		{LinkContactless106, 253, 22325 * time.Microsecond}, // 2,335 bits at 105.9375 kbit/s and 0.3 ms
		{LinkContactless212, 253, 11313 * time.Microsecond},
		{LinkContactless848, 253, 3053 * time.Microsecond},
		{LinkT1, 254, 22676 * time.Microsecond}, // 2,926 etu at 129.03 kbit/s
		{LinkContactless424, 0, 0},
	} {
		got := tt.link.transfer(tt.n)
		if d := got - tt.want; d < -time.Millisecond || d > time.Millisecond {
			t.Errorf("%d bytes over %v: %v, want %v", tt.n, tt.link, got, tt.want)
		}
	}
}

// TestModelOfARead is the floor of the card design: reading 16 KB of log at
// 424 kbit/s in blocks of 2 KB.
func TestModelOfARead(t *testing.T) {
	p, c, pub := issued(t, Options{})
	s := open(t, c, pub, p.physician(t))
	for seq := range uint32(16) {
		if _, err := s.Append(t.Context(), seq, filled(1022, byte(seq))); err != nil {
			t.Fatal(err)
		}
	}
	c.ResetModel()
	if got := readAll(t, s); len(got) != 16 {
		t.Fatalf("%d entries", len(got))
	}
	m := c.Modelled()
	t.Logf("16 KB of log at 424 kbit/s: %d commands, %d bytes, link %v, crypto %v, memory %v, together %v",
		m.APDUs, m.Bytes, m.Link, m.Crypto, m.NVM, m.Total())
	if m.Link < 380*time.Millisecond || m.Link > 500*time.Millisecond || m.NVM != 0 {
		t.Errorf("link %v, memory %v", m.Link, m.NVM)
	}
	if m.Crypto < 130*time.Millisecond || m.Crypto > 200*time.Millisecond {
		t.Errorf("crypto %v", m.Crypto)
	}
	c.ResetModel()
	if _, err := s.Append(t.Context(), 16, filled(1000, 1)); err != nil {
		t.Fatal(err)
	}
	m = c.Modelled()
	t.Logf("append of 1,000 bytes: link %v, crypto %v, memory %v, together %v", m.Link, m.Crypto, m.NVM, m.Total())
	c.ResetModel()
	s = open(t, c, pub, p.physician(t))
	m = c.Modelled()
	t.Logf("select and authenticate: link %v, crypto %v, memory %v, together %v", m.Link, m.Crypto, m.NVM, m.Total())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Sleep: true})
		tr := c.Transport()
		start := time.Now()
		if _, err := tr.Transmit(t.Context(), selectCommand); err != nil {
			t.Fatal(err)
		}
		if took, want := time.Since(start), c.Modelled().Total(); took != want || took == 0 {
			t.Errorf("took %v, modelled %v", took, want)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
		defer cancel()
		if _, err := tr.Transmit(ctx, selectCommand); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}
