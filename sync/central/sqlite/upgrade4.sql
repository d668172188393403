-- From schema 4 to schema 5: an order for a release counts once.
ALTER TABLE releases ADD COLUMN digest BLOB NOT NULL DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000';
CREATE UNIQUE INDEX releases_by_digest ON releases (digest) WHERE digest <> zeroblob(32);
