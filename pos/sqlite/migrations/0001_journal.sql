CREATE TABLE migrations (
	version INTEGER PRIMARY KEY,
	name    TEXT NOT NULL,
	at_ms   INTEGER NOT NULL
) STRICT;

-- The chain. Its only unique column is seq: a second one would let REPLACE
-- delete an older row without any trigger seeing it.
CREATE TABLE events (
	seq    INTEGER PRIMARY KEY,
	at_ms  INTEGER NOT NULL,
	kind   TEXT NOT NULL,
	sale   TEXT NOT NULL,
	refund TEXT NOT NULL,
	data   BLOB NOT NULL,
	body   BLOB CHECK (length(body) = 32),
	prev   BLOB NOT NULL CHECK (length(prev) = 32),
	hash   BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE INDEX events_sale ON events (sale, seq) WHERE sale <> '';
CREATE INDEX events_refund ON events (refund, seq) WHERE refund <> '';

CREATE TRIGGER events_append BEFORE INSERT ON events
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events)
BEGIN
	SELECT RAISE(ABORT, 'events: an event must follow the last one');
END;

CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN
	SELECT RAISE(ABORT, 'events: an event is never changed');
END;

CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN
	SELECT RAISE(ABORT, 'events: an event is never deleted');
END;

-- Raw answers and notifications, by the event that holds their hash. Rows may
-- be pruned. They are appended like the events: keyed by hash they would cost
-- every commit two more pages.
CREATE TABLE bodies (
	seq INTEGER PRIMARY KEY,
	raw BLOB NOT NULL
) STRICT;

-- Unchanged answers, counted per sale or refund number.
CREATE TABLE polls (
	no      TEXT PRIMARY KEY,
	count   INTEGER NOT NULL,
	last_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Notifications already recorded; seq is the last event written with them.
CREATE TABLE notices (
	key TEXT PRIMARY KEY,
	seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Derived from events from here on. doc comes last, so that filters read the
-- short columns without it.
CREATE TABLE sales (
	no           TEXT NOT NULL PRIMARY KEY,
	seq          INTEGER NOT NULL,
	at_ms        INTEGER NOT NULL,
	state        TEXT NOT NULL,
	open         INTEGER NOT NULL CHECK (open IN (0, 1)),
	amount       INTEGER NOT NULL,
	reversed     TEXT NOT NULL,
	provider     TEXT NOT NULL,
	provider_rev TEXT NOT NULL,
	reference    TEXT NOT NULL,
	doc          TEXT NOT NULL
) STRICT;

CREATE INDEX sales_time ON sales (at_ms, no);
-- Most sales are paid: who asks for those walks sales_time.
CREATE INDEX sales_state ON sales (state, at_ms, no) WHERE state <> 'paid';
CREATE INDEX sales_amount ON sales (amount, at_ms, no);
CREATE INDEX sales_reversed ON sales (reversed);
CREATE INDEX sales_provider ON sales (provider) WHERE provider <> '';
CREATE INDEX sales_provider_rev ON sales (provider_rev) WHERE provider_rev <> '';
CREATE INDEX sales_reference ON sales (reference) WHERE reference <> '';
CREATE INDEX sales_open ON sales (at_ms, no) WHERE open = 1;

CREATE TABLE refunds (
	no    TEXT NOT NULL PRIMARY KEY,
	seq   INTEGER NOT NULL,
	sale  TEXT NOT NULL REFERENCES sales (no),
	at_ms INTEGER NOT NULL,
	state TEXT NOT NULL,
	open  INTEGER NOT NULL CHECK (open IN (0, 1)),
	doc   TEXT NOT NULL
) STRICT;

CREATE INDEX refunds_sale ON refunds (sale, at_ms, no);
CREATE INDEX refunds_open ON refunds (at_ms, no) WHERE open = 1;

-- id is the event that raised the alert, resolved_seq the one that ended it.
CREATE TABLE alerts (
	id           INTEGER PRIMARY KEY,
	kind         TEXT NOT NULL,
	sale         TEXT NOT NULL,
	resolved_seq INTEGER,
	doc          TEXT NOT NULL
) STRICT;

CREATE INDEX alerts_open ON alerts (id) WHERE resolved_seq IS NULL;
