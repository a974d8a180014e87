-- The few publications whose incidents people excluded. It also keeps an older postburn, which would count them, from the store.
CREATE INDEX publications_excluded ON publications (key) WHERE summary ->> 'excluded' IS NOT NULL;
