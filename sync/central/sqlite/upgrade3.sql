-- From schema 3 to schema 4: operators, and releases for visits without a card.
ALTER TABLE releases ADD COLUMN operator BLOB NOT NULL DEFAULT x'00000000';
ALTER TABLE releases ADD COLUMN role TEXT NOT NULL DEFAULT '';
ALTER TABLE releases ADD COLUMN proof TEXT NOT NULL DEFAULT '';
ALTER TABLE releases ADD COLUMN reason TEXT NOT NULL DEFAULT '';
CREATE INDEX releases_by_operator ON releases (operator, at);

CREATE TABLE operators (
	author   BLOB NOT NULL PRIMARY KEY,
	facility INTEGER NOT NULL REFERENCES facilities (number),
	name     TEXT NOT NULL,
	role     TEXT NOT NULL,
	created  INTEGER NOT NULL,
	expires  INTEGER NOT NULL,
	revoked  INTEGER NOT NULL
) STRICT;
