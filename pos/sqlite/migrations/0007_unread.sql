-- News that was kept and not taken, for the start that tries it again.
CREATE INDEX events_unread ON events (seq) WHERE kind = 'notice.unverified'
	OR kind = 'notice.received' AND sale = '' AND instr(data, '"other":"unreadable"') > 0;
