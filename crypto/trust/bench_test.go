package trust

import "testing"

func BenchmarkUpdateTrust100k(b *testing.B) {
	root := newKey(b)
	raw := bigList(b, root, 100_000)
	b.ReportMetric(float64(len(raw)), "list-bytes")
	for b.Loop() {
		if err := NewStore(&root.PublicKey).UpdateTrust(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAuthor100k(b *testing.B) {
	root := newKey(b)
	raw := bigList(b, root, 100_000)
	s := NewStore(&root.PublicKey)
	if err := s.UpdateTrust(raw); err != nil {
		b.Fatal(err)
	}
	rows := s.trust.Load().rows
	i := 0
	for b.Loop() {
		i = (i + 1) % rows.len()
		if _, err := s.Author([4]byte(rows.row(i)), now); err != nil {
			b.Fatal(err)
		}
	}
}
