-- A refund is found by the last six digits of its number or PayBy's, or by
-- more: the number on a receipt or a statement. Six hit few, so no index is
-- needed that stands in any order.
ALTER TABLE refunds ADD COLUMN provider TEXT NOT NULL DEFAULT '';

UPDATE refunds SET provider = CASE WHEN json_valid(doc) THEN coalesce(json_extract(doc, '$.providerNo'), '') ELSE '' END;

CREATE INDEX refunds_last ON refunds (substr(lower(no), -6), sale);
CREATE INDEX refunds_provider_last ON refunds (substr(lower(provider), -6), sale) WHERE provider <> '';
