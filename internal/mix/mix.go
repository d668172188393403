// Package mix compresses short texts that are like one another: it predicts
// each bit from several contexts, mixes the predictions by how well each did
// so far, and codes the bit arithmetically. It is slow, about 300 kB a second,
// and meant for archives, where every byte is kept for decades.
//
// Every text belongs to a column, such as one section of all entries. Only
// integers are used, so every machine predicts the same.
package mix

const (
	numContexts = 8
	tableBits   = 16
	matchBytes  = 3 // that have to agree before a match predicts
	half        = 1 << 15
	firstWeight = 20000 // of each prediction, in 1/65536
	learning    = 2     // how fast weights follow
	mostUses    = 60    // from here on a probability follows at one speed
)

// model predicts the next bit of a text.
type model struct {
	tables  [numContexts][]slot
	hashes  [numContexts]uint32
	in      [numContexts + 1]int32 // predictions, as logits in 1/256
	at      [numContexts]*slot
	weights [][numContexts + 1]int32
	set     int

	history []byte
	partial uint32 // bits of the present byte behind a 1
	column  uint32
	start   int // of the present text in the history
	seen    map[uint32]int
	match   int // where in the history the present bytes were seen before; 0 none
	length  int // bytes that agreed
}

// slot is a probability of a 1, in 1/65536 above a half, and how often it was
// used.
type slot struct {
	d int16
	n uint8
}

func newModel() *model {
	m := &model{seen: make(map[uint32]int), partial: 1, history: make([]byte, 1, 4096)}
	for i := range m.tables {
		m.tables[i] = make([]slot, 1<<tableBits)
	}
	m.weights = make([][numContexts + 1]int32, 256)
	for i := range m.weights {
		for j := range m.weights[i] {
			m.weights[i][j] = firstWeight
		}
	}
	return m
}

// begin starts a text of a column.
func (m *model) begin(column uint32) {
	m.column, m.start = column, len(m.history)
	m.contexts()
}

func (m *model) back(i int) uint32 {
	if n := len(m.history) - i; n >= m.start {
		return uint32(m.history[n]) + 1
	}
	return 0
}

func (m *model) contexts() {
	pos := uint32(len(m.history) - m.start)
	c := m.column + 1
	one, two, three, four := m.back(1), m.back(2), m.back(3), m.back(4)
	for i, h := range [numContexts]uint32{
		c,
		c<<8 | min(pos, 40),
		c<<9 | one,
		c<<18 | one<<9 | two,
		(one<<18 | two<<9 | three) * 31,
		((one<<18 | two<<9 | three) * 0x9E3779B1) ^ four,
		((one<<18|two<<9|three)*0x9E3779B1^four)*0x85EBCA6B ^ m.back(5),
		c<<20 | min(pos, 40)<<9 | one,
	} {
		m.hashes[i] = (h + uint32(i)) * 0x9E3779B1
	}
}

// predict returns the probability of a 1 in 1/65536, from 1 to 65535.
func (m *model) predict() uint32 {
	m.set = int(min(uint32(m.length), 15))<<4 | int(min(m.column, 15))
	var sum int64
	w := &m.weights[m.set]
	for i := range m.tables {
		h := (m.hashes[i] ^ m.partial*0x2C1B3C6D) * 0x297A2D39
		s := &m.tables[i][h>>(32-tableBits)]
		m.at[i] = s
		m.in[i] = stretch(uint32(half + int32(s.d)))
		if s.n == 0 {
			m.in[i] = 0
		}
		sum += int64(w[i]) * int64(m.in[i])
	}
	m.in[numContexts] = m.expected()
	sum += int64(w[numContexts]) * int64(m.in[numContexts])
	return squash(int32(max(-2047, min(2047, sum>>16))))
}

// expected is the match's prediction.
func (m *model) expected() int32 {
	if m.length == 0 {
		return 0
	}
	b := uint32(m.history[m.match]) | 256
	bits := 0
	for v := m.partial; v > 1; v >>= 1 {
		bits++
	}
	if b>>(8-bits) != m.partial {
		return 0
	}
	strength := int32(min(m.length, 16)) * 64
	if b>>(7-bits)&1 == 1 {
		return strength
	}
	return -strength
}

func (m *model) update(bit uint32, p uint32) {
	err := (int64(bit<<16) - int64(p)) * learning
	w := &m.weights[m.set]
	for i := range m.in {
		w[i] += int32(int64(m.in[i]) * err >> 14)
	}
	for _, s := range m.at {
		p := half + int32(s.d)
		p += (int32(bit)*65535 - p) * 2 / (2*int32(s.n) + 3)
		s.d = int16(p - half)
		if s.n < mostUses {
			s.n++
		}
	}
	if m.partial = m.partial<<1 | bit; m.partial >= 256 {
		m.byte(byte(m.partial))
	}
}

func (m *model) byte(b byte) {
	m.partial = 1
	if m.length > 0 && m.history[m.match] == b {
		m.length++
		m.match++
	} else {
		m.length = 0
	}
	m.history = append(m.history, b)
	if n := len(m.history); n-m.start >= matchBytes {
		key := (uint32(m.history[n-1])<<16 | uint32(m.history[n-2])<<8 | uint32(m.history[n-3]))
		if at := m.seen[key]; at > 0 && m.length == 0 {
			m.match, m.length = at, 1
		}
		m.seen[key] = n
	}
	m.contexts()
}

var stretched = func() (t [4096]int16) {
	pi := 0
	for x := int32(-2047); x <= 2047; x++ {
		v := int(squash(x) >> 4)
		for ; pi <= v && pi < 4096; pi++ {
			t[pi] = int16(x)
		}
	}
	for ; pi < 4096; pi++ {
		t[pi] = 2047
	}
	return t
}()

func stretch(p uint32) int32 { return int32(stretched[p>>4]) }

// squash is 65536 / (1 + e^(-x/256)), by interpolation.
func squash(x int32) uint32 {
	t := [33]int32{
		1, 2, 3, 6, 10, 16, 27, 45, 73, 120, 194, 310, 488, 747, 1101, 1546, 2047, 2549, 2994, 3348, 3607, 3785, 3901,
		3975, 4024, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094,
	}
	w := x & 127
	i := (x >> 7) + 16
	v := uint32(t[i]*(128-w)+t[i+1]*w) >> 3
	return max(16, min(65519, v))
}
