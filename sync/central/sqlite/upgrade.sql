-- From schema 1 to schema 2: the quarantine is bounded, and releases of
-- section keys are written down.
ALTER TABLE quarantine ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
UPDATE quarantine SET size = length(sealed);
CREATE INDEX quarantine_bare ON quarantine (facility, n) WHERE sealed = x'';

CREATE TABLE quarantine_shares (
	facility INTEGER PRIMARY KEY,
	whole    INTEGER NOT NULL,
	bytes    INTEGER NOT NULL,
	bare     INTEGER NOT NULL
) STRICT;
INSERT INTO quarantine_shares (facility, whole, bytes, bare)
	SELECT facility, count(*), sum(size), 0 FROM quarantine GROUP BY facility;

CREATE TABLE releases (
	n        INTEGER PRIMARY KEY,
	at       INTEGER NOT NULL,
	facility INTEGER NOT NULL,
	author   BLOB NOT NULL,
	card     BLOB NOT NULL,
	patient  BLOB NOT NULL
) STRICT;
