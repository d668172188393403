package match

// Slices is the number of words of a minutia's bits: one for each slice of
// direction, a bit for each place.
const Slices = slices6

// Bits returns the bits of minutia i's surroundings, of the minutiae in the
// order of quality as far as limit goes, to each call of yield. An index hashes
// them: the same minutia of another impression has most of them too.
func (p *Probe) Bits(limit int, yield func(bits *[Slices]uint64)) {
	n := 0
	for least := 100; least >= 0 && n < limit; least -= 5 {
		for i := range p.places {
			q := int(p.places[i].quality)
			if q < least || q >= least+5 {
				continue
			}
			if n == limit {
				return
			}
			n++
			yield(&p.cylinders[i].bits)
		}
	}
}
