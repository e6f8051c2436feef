-- Derived from events, like sales. closed is the event that seals the Z.
CREATE TABLE shifts (
	number INTEGER PRIMARY KEY,
	opened INTEGER NOT NULL,
	closed INTEGER,
	doc    TEXT NOT NULL
) STRICT;
