-- What is counted, day by day, for reports over months: an objective's history is only as long as its window.
CREATE TABLE series (
    id       INTEGER PRIMARY KEY,
    slo      TEXT NOT NULL,
    labels   TEXT NOT NULL,
    measures TEXT NOT NULL, -- digest of what is counted: with another one, a series begins anew
    service  TEXT NOT NULL,
    target   TEXT NOT NULL, -- the newest
    UNIQUE (slo, labels, measures)
);

CREATE TABLE days (
    series INTEGER NOT NULL REFERENCES series (id),
    day    INTEGER NOT NULL, -- since 1970-01-01, in UTC
    total  REAL NOT NULL,
    bad    REAL NOT NULL,
    known  INTEGER NOT NULL, -- how much of the day is known, and how much of that had no data
    blind  INTEGER NOT NULL,
    exact  INTEGER NOT NULL,
    PRIMARY KEY (series, day)
) WITHOUT ROWID;

-- What reports read of an incident's publication: an issue.Learned. NULL: an older postburn wrote it, so it is still to be read from the publication.
ALTER TABLE publication_incidents ADD COLUMN learned TEXT;
