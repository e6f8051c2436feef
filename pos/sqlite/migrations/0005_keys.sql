-- Whose signatures the till believes is read from the chain itself, like who
-- works here.
CREATE INDEX events_keys ON events (seq) WHERE kind IN ('keys.believed');
