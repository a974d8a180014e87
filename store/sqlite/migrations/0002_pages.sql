-- For reading incidents that are over in pages.
CREATE INDEX incidents_recovered ON incidents (onset DESC, id, ended) WHERE ended IS NOT NULL;
CREATE INDEX incidents_recovered_by_group ON incidents (incident_group, onset DESC, id, ended) WHERE ended IS NOT NULL;
-- The longest incident bounds how long before a time one began that was still going on then.
CREATE INDEX incidents_by_length ON incidents (ended - onset) WHERE ended IS NOT NULL;

-- What lists tell of a publication: an issue.Summary. The index holds it beside the key, apart from the long texts in doc.
ALTER TABLE publications ADD COLUMN summary TEXT NOT NULL DEFAULT '{}';
UPDATE publications SET summary = json_object(
    'kind', ifnull(doc ->> 'kind', ''), 'triage', ifnull(doc ->> 'triage', ''), 'parts', json_array_length(doc, '$.parts'),
    'number', ifnull(doc ->> '$.writes[0].ref.number', 0), 'url', ifnull(doc ->> '$.writes[0].ref.url', ''));
CREATE INDEX publications_summary ON publications (key, summary);
