-- Verifiers of PINs: beside the chain, derived from nothing, in no export.
CREATE TABLE pins (
	member     TEXT PRIMARY KEY,
	salt       BLOB NOT NULL,
	hash       BLOB NOT NULL,
	passes     INTEGER NOT NULL,
	memory_kib INTEGER NOT NULL,
	threads    INTEGER NOT NULL,
	pepper     BLOB NOT NULL,
	long       INTEGER NOT NULL CHECK (long IN (0, 1)),
	failures   INTEGER NOT NULL,
	failed_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who works here is read from the chain itself, so that no edited row makes
-- anybody an owner.
CREATE INDEX events_staff ON events (seq) WHERE kind IN ('staff.added', 'staff.changed');
CREATE INDEX events_proposals ON events (at_ms, seq)
	WHERE kind IN ('refund.proposed', 'refund.approved', 'refund.declined');
