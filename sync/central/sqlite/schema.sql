-- Records are never changed and never deleted, so pos, the rowid that SQLite
-- gives out as the largest plus one, rises for ever. It is the change feed.
CREATE TABLE records (
	pos      INTEGER PRIMARY KEY,
	patient  BLOB NOT NULL,
	id       BLOB NOT NULL,
	author   BLOB NOT NULL,
	facility INTEGER NOT NULL,
	made     INTEGER NOT NULL, -- POSIX seconds, as are all times here
	received INTEGER NOT NULL,
	sealed   BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX records_by_patient ON records (patient, id);

CREATE TABLE interest (
	facility INTEGER NOT NULL,
	patient  BLOB NOT NULL,
	since    INTEGER NOT NULL,
	PRIMARY KEY (facility, patient)
) STRICT, WITHOUT ROWID;
CREATE INDEX interest_by_patient ON interest (patient, facility);

CREATE TABLE batches (
	facility INTEGER NOT NULL,
	batch    BLOB NOT NULL,
	content  BLOB NOT NULL,
	received INTEGER NOT NULL,
	receipt  BLOB NOT NULL,
	statuses BLOB NOT NULL, -- one byte for each item
	codes    TEXT NOT NULL, -- of the rejected items, with commas between
	PRIMARY KEY (facility, batch)
) STRICT;

CREATE TABLE quarantine (
	n        INTEGER PRIMARY KEY,
	received INTEGER NOT NULL,
	facility INTEGER NOT NULL,
	patient  BLOB NOT NULL,
	id       BLOB NOT NULL,
	code     TEXT NOT NULL,
	sealed   BLOB NOT NULL, -- empty when only identifier and code are kept
	size     INTEGER NOT NULL, -- of the sealed entry as it came
	UNIQUE (facility, patient, id, code)
) STRICT;
CREATE INDEX quarantine_bare ON quarantine (facility, n) WHERE sealed = x'';

-- What each facility has in the quarantine.
CREATE TABLE quarantine_shares (
	facility INTEGER PRIMARY KEY,
	whole    INTEGER NOT NULL, -- entries kept with their sealed bytes
	bytes    INTEGER NOT NULL, -- of those
	bare     INTEGER NOT NULL  -- entries without
) STRICT;

CREATE TABLE patients (
	id       BLOB NOT NULL PRIMARY KEY,
	subject  BLOB NOT NULL,
	keys     BLOB NOT NULL,
	identity BLOB NOT NULL,
	cover    BLOB NOT NULL,
	created  INTEGER NOT NULL,
	updated  INTEGER NOT NULL
) STRICT;

-- Templates of patients' fingers. n rises with every change, so it is a feed of
-- what an index in memory has to take over. A patient who has none any more
-- keeps a row without templates.
CREATE TABLE fingers (
	n        INTEGER PRIMARY KEY,
	patient  BLOB NOT NULL UNIQUE,
	sealed   BLOB NOT NULL, -- empty when they were deleted
	updated  INTEGER NOT NULL,
	searched INTEGER NOT NULL -- 0 = nobody has looked for others with these fingers
) STRICT;
CREATE INDEX fingers_pending ON fingers (n) WHERE searched = 0;

-- Two patients who may be one person.
CREATE TABLE reviews (
	n        INTEGER PRIMARY KEY,
	raised   INTEGER NOT NULL,
	patient  BLOB NOT NULL, -- whose fingers were looked for
	other    BLOB NOT NULL, -- who was enrolled with the same ones
	score    REAL NOT NULL, -- negative decimal logarithm of the false match rate
	people   INTEGER NOT NULL, -- among whom was looked
	fingers  BLOB NOT NULL, -- for each finger: position u8, score in hundredths u16
	closed   INTEGER NOT NULL, -- 0 = open, and the three last are empty
	decision TEXT NOT NULL,
	decider  TEXT NOT NULL,
	note     BLOB NOT NULL  -- sealed
) STRICT;
CREATE INDEX reviews_open ON reviews (n) WHERE closed = 0;
CREATE INDEX reviews_of ON reviews (patient, other);

-- Who looked at reviews and decided them. Never deleted.
CREATE TABLE looks (
	n      INTEGER PRIMARY KEY,
	at     INTEGER NOT NULL,
	who    TEXT NOT NULL, -- account at the centre
	what   TEXT NOT NULL,
	review INTEGER NOT NULL -- 0 = the list
) STRICT;

CREATE TABLE cards (
	id        BLOB NOT NULL PRIMARY KEY,
	patient   BLOB NOT NULL REFERENCES patients (id),
	facility  INTEGER NOT NULL,
	key       BLOB NOT NULL,
	issued    INTEGER NOT NULL,
	not_after INTEGER NOT NULL,
	blocked   INTEGER NOT NULL -- 0 = not blocked
) STRICT;
CREATE INDEX cards_by_patient ON cards (patient, issued);

-- Who was given the section keys of a patient, for which card or for a visit
-- without one. Never deleted.
CREATE TABLE releases (
	n        INTEGER PRIMARY KEY,
	at       INTEGER NOT NULL,
	facility INTEGER NOT NULL,
	author   BLOB NOT NULL, -- key identifier of the workstation's author key
	card     BLOB NOT NULL, -- zeros for a visit without a card, and only then the five last:
	patient  BLOB NOT NULL,
	operator BLOB NOT NULL, -- key identifier of who asked
	role     TEXT NOT NULL,
	proof    TEXT NOT NULL,
	reason   TEXT NOT NULL,
	digest   BLOB NOT NULL  -- of what the operator signed
) STRICT;
CREATE INDEX releases_by_operator ON releases (operator, at);
CREATE UNIQUE INDEX releases_by_digest ON releases (digest) WHERE digest <> zeroblob(32);

-- States of cards' logs up to which the centre has signed that it holds all.
CREATE TABLE log_states (
	card     BLOB NOT NULL,
	seq      INTEGER NOT NULL,
	chain    BLOB NOT NULL,
	at       INTEGER NOT NULL,
	facility INTEGER NOT NULL,
	PRIMARY KEY (card, seq, chain)
) STRICT, WITHOUT ROWID;

CREATE TABLE facilities (
	number  INTEGER PRIMARY KEY,
	name    TEXT NOT NULL,
	role    TEXT NOT NULL,
	created INTEGER NOT NULL,
	revoked INTEGER NOT NULL -- 0 = enrolled
) STRICT;

CREATE TABLE workstations (
	tls_key  BLOB NOT NULL PRIMARY KEY,
	author   BLOB NOT NULL UNIQUE,
	facility INTEGER NOT NULL REFERENCES facilities (number),
	name     TEXT NOT NULL,
	role     TEXT NOT NULL,
	created  INTEGER NOT NULL,
	expires  INTEGER NOT NULL,
	revoked  INTEGER NOT NULL -- 0 = enrolled
) STRICT;

CREATE TABLE operators (
	author   BLOB NOT NULL PRIMARY KEY,
	facility INTEGER NOT NULL REFERENCES facilities (number),
	name     TEXT NOT NULL,
	role     TEXT NOT NULL,
	created  INTEGER NOT NULL,
	expires  INTEGER NOT NULL,
	revoked  INTEGER NOT NULL -- 0 = enrolled
) STRICT;

CREATE TABLE lists (
	name    TEXT NOT NULL PRIMARY KEY,
	version INTEGER NOT NULL,
	raw     BLOB NOT NULL,
	issued  INTEGER NOT NULL
) STRICT;

CREATE TABLE meta (
	name  TEXT NOT NULL PRIMARY KEY,
	value INTEGER NOT NULL
) STRICT;
