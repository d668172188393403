// Package record is the model of what a clinic writes and reads: the encounter
// entry, the holder's identity and cover, and the summary, each with its one
// canonical CBOR form (RFC 8949, 4.2.1) that docs/formats/content.md describes.
//
// An Entry is one visit. Sections gives its content as one CBOR map for each
// section that is sealed apart; Decode reads any of them back. The minute of
// the visit's start and the person are not in the content: they travel in the
// envelope, as Meta.
package record
