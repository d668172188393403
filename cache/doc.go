// Package cache keeps what a workstation knows between two taps of a card:
// sealed entries, the outbox, pending card writes, signed lists, the cursor of
// the change feed and the audit chain, in one bbolt file.
//
// Nothing in the file can be read without the cache key. A value is sealed,
// and a key that would name a patient or a card is a keyed hash of it:
//
//	value = generation u64 BE || nonce (12) || AES-256-GCM(CBOR row) || tag (16)
//	aad   = bucket || 00 || generation || key
//	index = HMAC-SHA256(index key, kind || 00 || identifier)[:16]
//
// The generation rises with every transaction; when a broken file is salvaged
// page by page, it tells which of two versions of a value is the newer one.
//
//	bucket      key                     row
//	meta        "header"                in plain: name, schema, key check, CRC-32
//	cards       index(card)             head and summary, empty when not known, EF.CardSecurity, EF.ID, patient
//	patients    index(patient)          subject
//	entries     index(patient) || id    flags, time, sealed entry
//	keys        index(patient)          section keys and the end of their time
//	pending     id                      a card write that has begun
//	unknown     id                      a card write whose outcome is not known
//	own         id                      what became of an entry that was sent on
//	outbox      number u64 BE           id, in the order of sending
//	quarantine  id                      code of the centre's refusal
//	receipts    number u64 BE           the centre's signed receipt
//	state       name                    cursor, head of the audit chain
//	lists       name                    a signed list
//	audit       number u64 BE           one link of the audit chain
//	logs        index(card) || u32 BE   the entry with this number in a card's log
//	freeing     index(card) || u32 BE   the centre's receipt for the log up to it
//	standings   index(patient) || u8    the centre's sealed word on a person's charges
//
// A write is durable (fsync) when the method returns. Every step may be
// repeated: the second time changes nothing, except that each read of a card
// is an access of its own and so leaves an audit record of its own.
//
// # What is checked when a file is opened
//
// Before the file is mapped into memory, it is read page by page with ordinary
// reads: both meta pages with their checksums, the high-water mark against the
// length of the file, and for every page below it that it is reachable exactly
// once or free, that counts, lengths and offsets lie inside it, and that keys
// ascend. Every value is then authenticated. So a file that was cut short, or a
// changed byte in a live page, gives ErrCorrupt and neither a panic nor SIGBUS.
// A fault or a broken page that shows up later (a failing disk) also ends in
// ErrCorrupt, and the cache then refuses all further work; a value that does not
// authenticate when it is read fails those who need it. Broken tells of both,
// and the next Open finds them. Recover makes a new file out of what can still
// be read.
//
// A full disk is no damage: the step gives ErrFull and leaves nothing behind.
package cache
