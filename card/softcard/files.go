package softcard

import (
	"encoding/binary"

	"github.com/dhamani-iq/dhamani/card"
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/card/tlv"
)

// address reads P1 P2 of READ and UPDATE BINARY (ISO/IEC 7816-4:2020, 11.3.1):
// a short file identifier and an offset up to 255, or the current file and an
// offset of 15 bits.
func (c *Card) address(cl call) (f fileID, offset int, err error) {
	if cl.P1&0x80 == 0 {
		if c.ram.current == fileNone {
			return 0, 0, refuse(apdu.SWConditions)
		}
		return c.ram.current, int(cl.p1p2()), nil
	}
	if cl.P1&0x60 != 0 {
		return 0, 0, refuse(apdu.SWWrongP1P2)
	}
	if f = fileBySFI(cl.P1 & 0x1F); f == fileNone {
		return 0, 0, refuse(apdu.SWFileNotFound)
	}
	return f, int(cl.P2), nil
}

// content returns what stands in a transparent file, mostly a part of the
// memory; nothing when it was never written.
func (c *Card) content(f fileID) []byte {
	switch {
	case f == fileBio:
		return c.templates()
	case f == fileAudit:
		return c.auditLines()
	case f != fileSummary:
		return c.nvm.b[mem.files[f]:][:c.state.length[f]]
	}
	version := c.state.log.head.SummaryVersion
	if version == 0 {
		return nil
	}
	sealed, _ := readSummary(&c.nvm, version)
	return sealed
}

// expected returns the longest answer of a read.
func expected(cl call) (int, error) {
	switch {
	case cl.Ne == 0, cl.Ne > maxBlock && cl.Ne != apdu.MaxExtendedNe:
		return 0, refuse(apdu.SWWrongLength)
	}
	return min(cl.Ne, maxBlock), nil
}

// readBinary is READ BINARY with even INS: a transparent file.
func (c *Card) readBinary(cl call) (answer, error) {
	f, offset, err := c.address(cl)
	if err != nil {
		return answer{}, err
	}
	if len(cl.Data) != 0 {
		return answer{}, refuse(apdu.SWWrongLength)
	}
	mode, err := c.allow(cl, actRead, fileObjects[f])
	if err != nil {
		return answer{}, err
	}
	if f == fileLog { // its offsets do not fit; it is read with odd INS
		return answer{}, refuse(apdu.SWConditions)
	}
	content := c.content(f)
	if len(content) == 0 {
		return answer{}, refuse(apdu.SWFileNotFound)
	}
	ne, err := expected(cl)
	if err != nil {
		return answer{}, err
	}
	if offset > len(content) {
		return answer{}, refuse(apdu.SWWrongOffset)
	}
	if f == fileSummary {
		if err := c.breakGlass(); err != nil {
			return answer{}, err
		}
	}
	c.ram.current = f
	a := answer{data: append([]byte{}, content[offset:min(offset+ne, len(content))]...), mode: mode}
	if len(a.data) < ne {
		a.sw = apdu.SWEndOfFile
	}
	return a, nil
}

// readLog is READ BINARY with odd INS: {54 logical offset} of the log gives
// {53 bytes}. Ne counts the bytes of the log, not the header of the object.
func (c *Card) readLog(cl call) (answer, error) {
	switch {
	case cl.P1 != 0 || cl.P2&^0x1F != 0:
		return answer{}, refuse(apdu.SWWrongP1P2)
	case fileBySFI(cl.P2) != fileLog:
		return answer{}, refuse(apdu.SWFileNotFound)
	}
	mode, err := c.allow(cl, actRead, objLog)
	if err != nil {
		return answer{}, err
	}
	raw, err := tlv.Field(cl.Data, 0x54)
	if err != nil || len(raw) != 4 {
		return answer{}, refuse(apdu.SWWrongData)
	}
	ne, err := expected(cl)
	if err != nil {
		return answer{}, err
	}
	head, at := c.state.log.head, binary.BigEndian.Uint32(raw)
	if at < head.Start || at > head.Tail {
		return answer{}, refuse(apdu.SWWrongOffset)
	}
	n := min(ne, int(head.Tail-at))
	a := answer{data: tlv.Make(0x53, readLog(&c.nvm, at, n)), mode: mode}
	if n < ne {
		a.sw = apdu.SWEndOfFile
	}
	return a, nil
}

// updateBinary is UPDATE BINARY, in the creation state only. A write at offset
// 0 begins the file anew; others extend or change it without a gap. It is not
// atomic: who lost the answer begins again at offset 0.
func (c *Card) updateBinary(cl call) (answer, error) {
	f, offset, err := c.address(cl)
	if err != nil {
		return answer{}, err
	}
	mode, err := c.allow(cl, actUpdate, fileObjects[f])
	if err != nil {
		return answer{}, err
	}
	end := offset + len(cl.Data)
	switch {
	case len(cl.Data) == 0:
		return answer{}, refuse(apdu.SWWrongLength)
	case offset > c.state.length[f]:
		return answer{}, refuse(apdu.SWWrongOffset)
	case end > files[f].size:
		return answer{}, refuse(apdu.SWNoSpace)
	}
	if err := c.nvm.write(mem.files[f]+offset, cl.Data); err != nil {
		return answer{}, err
	}
	length := c.state.length
	if length[f] = max(length[f], end); offset == 0 {
		length[f] = end
	}
	sizes := make([]byte, mem.sizes.size)
	for g := fileSecurity; g <= filePhoto; g++ {
		binary.BigEndian.PutUint16(sizes[sizesIndex(g):], uint16(length[g])) // #nosec G115 -- at most 6144
	}
	if err := mem.sizes.put(&c.nvm, sizes); err != nil {
		return answer{}, err
	}
	c.state.length, c.ram.current = length, f
	return answer{mode: mode}, nil
}

// appendRecord is APPEND RECORD: {expected sequence number u32, sealed entry}
// gives the new head. The body is written behind the tail, where nothing
// counts yet; then the older head slot makes it count.
func (c *Card) appendRecord(cl call) (answer, error) {
	if cl.p1p2() != 0 {
		return answer{}, refuse(apdu.SWWrongP1P2)
	}
	mode, err := c.allow(cl, actAppend, objLog)
	if err != nil {
		return answer{}, err
	}
	if len(cl.Data) < 4+1 || len(cl.Data) > 4+maxEntry {
		return answer{}, refuse(apdu.SWWrongLength)
	}
	head, sealed := c.state.log.head, cl.Data[4:]
	if binary.BigEndian.Uint32(cl.Data) != head.Seq {
		return answer{}, refuse(apdu.SWConditions)
	}
	if len(sealed)+card.LenLength > head.Free() {
		return answer{}, refuse(apdu.SWNoSpace)
	}
	c.meter.sha(len(sealed))
	c.meter.sha(16 + 32)
	if err := c.note(card.AuditAppend, uint16(head.Seq+1)); err != nil { // #nosec G115 -- the low half
		return answer{}, err
	}
	body := append([]byte{}, sealed...)
	body = binary.BigEndian.AppendUint16(body, uint16(len(sealed))) // #nosec G115 -- at most maxEntry
	if err := writeLog(&c.nvm, head.Tail, body); err != nil {
		return answer{}, err
	}
	return c.published(c.state.log.next(sealed), mode)
}

// putSummary is PUT DATA 0103: {expected version u32, sealed summary} gives
// the new head. The slot that does not count is written; the head turns.
func (c *Card) putSummary(cl call) (answer, error) {
	mode, err := c.allow(cl, actPut, objSummary)
	if err != nil {
		return answer{}, err
	}
	if len(cl.Data) < 4+1 || len(cl.Data) > 4+summaryMax {
		return answer{}, refuse(apdu.SWWrongLength)
	}
	log := c.state.log
	if binary.BigEndian.Uint32(cl.Data) != log.head.SummaryVersion {
		return answer{}, refuse(apdu.SWConditions)
	}
	log.head.SummaryVersion++
	if err := c.note(card.AuditSummary, uint16(log.head.SummaryVersion)); err != nil { // #nosec G115 -- the low half
		return answer{}, err
	}
	if err := writeSummary(&c.nvm, log.head.SummaryVersion, cl.Data[4:]); err != nil {
		return answer{}, err
	}
	return c.published(log, mode)
}

// published makes log the state of the log and answers its head.
func (c *Card) published(log logState, mode sm.Mode) (answer, error) {
	if err := c.publish(log); err != nil {
		return answer{}, err
	}
	raw, err := log.head.MarshalBinary()
	return answer{data: raw, mode: mode}, err
}
