-- Times are Unix nanoseconds. Documents are JSON as package alert and package issue define it; the columns beside them are for finding.

-- Who may write: the fence that was handed out last, 0 before the first.
CREATE TABLE writer (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    fence INTEGER NOT NULL
);
INSERT INTO writer (id, fence) VALUES (1, 0);

CREATE TABLE lanes (
    id     INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE,
    cursor INTEGER NOT NULL, -- the last tick committed
    fence  INTEGER NOT NULL  -- that it was committed under
);

-- The newest roster, state and history of each lane, and the tick that they were written at.
CREATE TABLE checkpoints (
    lane    INTEGER NOT NULL REFERENCES lanes (id),
    part    TEXT NOT NULL CHECK (part IN ('roster', 'state', 'history')),
    tick    INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (lane, part)
);

CREATE TABLE samples (
    lane    INTEGER NOT NULL REFERENCES lanes (id),
    tick    INTEGER NOT NULL,
    samples BLOB, -- of all objectives of the lane, in the order of its roster
    PRIMARY KEY (lane, tick)
);

CREATE TABLE incidents (
    id             TEXT NOT NULL PRIMARY KEY,
    revision       INTEGER NOT NULL,
    posted         INTEGER NOT NULL DEFAULT 0, -- the revision that its publication has posted
    incident_group TEXT NOT NULL,
    repository     TEXT NOT NULL,
    onset          INTEGER NOT NULL,
    ended          INTEGER, -- NULL while a breach window is open
    state          TEXT NOT NULL AS (CASE WHEN ended IS NULL THEN 'burning' ELSE 'recovered' END) VIRTUAL,
    doc            TEXT NOT NULL
);
CREATE INDEX incidents_by_onset ON incidents (onset);
CREATE INDEX incidents_by_end ON incidents (ended);
-- Holds next to nothing, however many old incidents there are.
CREATE INDEX incidents_behind ON incidents (onset, id) WHERE revision > posted;

CREATE TABLE publications (
    key               TEXT NOT NULL PRIMARY KEY,
    publication_group TEXT NOT NULL,
    repository        TEXT NOT NULL,
    open_writes       INTEGER NOT NULL, -- 1 where a write is not posted yet
    doc               TEXT NOT NULL
);
CREATE INDEX publications_open ON publications (key) WHERE open_writes = 1;

-- An incident is part of one publication.
CREATE TABLE publication_incidents (
    incident    TEXT NOT NULL PRIMARY KEY,
    publication TEXT NOT NULL REFERENCES publications (key),
    posted      INTEGER NOT NULL -- the revision of the incident
) WITHOUT ROWID;
CREATE INDEX publication_incidents_by_publication ON publication_incidents (publication);
