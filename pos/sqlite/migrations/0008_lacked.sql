-- What was told of an order that the journal lacked, for the day when the order
-- is adopted.
CREATE INDEX events_lacked ON events (json_extract(CAST(data AS TEXT), '$.notice.lacked'), seq)
	WHERE kind = 'notice.received' AND sale = '' AND instr(data, '"lacked":') > 0;
