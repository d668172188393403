-- From schema 2 to schema 3: receipts for the logs of cards.
CREATE TABLE log_states (
	card     BLOB NOT NULL,
	seq      INTEGER NOT NULL,
	chain    BLOB NOT NULL,
	at       INTEGER NOT NULL,
	facility INTEGER NOT NULL,
	PRIMARY KEY (card, seq, chain)
) STRICT, WITHOUT ROWID;
