-- A sale enters the indexes of the search when it is listed, after it has come
-- to its end and outside the commits of its facts: their keys lie scattered
-- over the whole index, and a commit would wait for as many pages. Until then
-- a search finds it by sales_live. An open sale is never listed.
ALTER TABLE sales ADD COLUMN cashier TEXT NOT NULL DEFAULT '';
ALTER TABLE sales ADD COLUMN listed INTEGER NOT NULL DEFAULT 0 CHECK (listed IN (0, 1));

DROP INDEX sales_time;
DROP INDEX sales_state;
DROP INDEX sales_amount;
DROP INDEX sales_reversed;
DROP INDEX sales_provider;
DROP INDEX sales_provider_rev;
DROP INDEX sales_reference;
DROP INDEX sales_open;

UPDATE sales SET listed = 1 - open,
	cashier = CASE WHEN json_valid(doc) THEN coalesce(json_extract(doc, '$.intent.cashier'), '') ELSE '' END;

CREATE INDEX sales_live ON sales (at_ms, no) WHERE listed = 0;
-- All that a query can ask for, so that a walk along the time looks into the
-- table for what it shows, and for nothing else.
CREATE INDEX sales_time ON sales (at_ms, no, state, amount, cashier, reversed, provider, provider_rev, reference)
	WHERE listed = 1;
-- Most sales are paid: who asks for those walks sales_time.
CREATE INDEX sales_state ON sales (state, at_ms, no, cashier) WHERE listed = 1 AND state <> 'paid';
CREATE INDEX sales_amount ON sales (amount, at_ms, no, cashier) WHERE listed = 1;
CREATE INDEX sales_cashier ON sales (cashier, at_ms, no) WHERE listed = 1;
-- Of what matches a text, the newest come first: the time stands behind.
CREATE INDEX sales_number ON sales (no, at_ms) WHERE listed = 1;
CREATE INDEX sales_reversed ON sales (reversed, at_ms, no) WHERE listed = 1;
CREATE INDEX sales_provider ON sales (provider, at_ms, no) WHERE listed = 1 AND provider <> '';
CREATE INDEX sales_provider_rev ON sales (provider_rev, at_ms, no) WHERE listed = 1 AND provider_rev <> '';
CREATE INDEX sales_reference ON sales (reference, at_ms, no) WHERE listed = 1 AND reference <> '';
