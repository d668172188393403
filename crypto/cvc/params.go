package cvc

import (
	"crypto/elliptic"
	"math/big"

	"github.com/dhamani-iq/dhamani/card/tlv"
)

// The domain parameters of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3) as
// data objects, in front of the point (81 prime, 82 a, 83 b, 84 base point, 85
// order) and behind it (87 cofactor).
var p256Before, p256After = domainParameters()

func domainParameters() (before, after []byte) {
	p := elliptic.P256().Params()
	a := new(big.Int).Sub(p.P, big.NewInt(3))
	base := append([]byte{4}, p.Gx.FillBytes(make([]byte, 32))...)
	base = append(base, p.Gy.FillBytes(make([]byte, 32))...)
	for i, v := range [][]byte{p.P.Bytes(), a.Bytes(), p.B.FillBytes(make([]byte, 32)), base, p.N.Bytes()} {
		before = tlv.Append(before, tlv.Tag(0x81+i), v) // #nosec G115 -- five tags
	}
	return before, tlv.Make(0x87, []byte{1})
}
