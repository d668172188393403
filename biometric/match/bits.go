package match

// Slices is the number of words of a minutia's bits: one for each slice of
// direction, a bit for each place.
const Slices = slices6

// Bits returns the bits of minutia i's surroundings, of the minutiae in the
// order of quality as far as limit goes, to each call of yield. An index hashes
// them: the same minutia of another impression has most of them too.
func (p *Probe) Bits(limit int, yield func(bits *[Slices]uint64)) {
	for i := range p.cylinders[:min(limit, len(p.cylinders))] {
		yield(&p.cylinders[i].bits)
	}
}
