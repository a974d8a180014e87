-- Times are Unix nanoseconds, as timestamptz has microseconds. Documents are JSON as package alert and package issue define it, in
-- text: jsonb refuses U+0000, which label values may have, and nothing looks into a document. The columns beside it are for finding.

-- Who may write: the fence that was handed out last, 0 before the first.
CREATE TABLE writer (
    id    integer PRIMARY KEY CHECK (id = 1),
    fence bigint NOT NULL
);
INSERT INTO writer (id, fence) VALUES (1, 0);

-- Each tick updates each row. With room on the page that is a HOT update, which leaves nothing to vacuum.
CREATE TABLE lanes (
    id     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name   text COLLATE "C" NOT NULL UNIQUE,
    cursor bigint, -- the last tick committed; NULL only in the transaction that adds the lane
    fence  bigint NOT NULL DEFAULT 0 -- that it was committed under
) WITH (fillfactor = 50);

-- The newest roster, state and history of each lane, and the tick that they were written at.
CREATE TABLE checkpoints (
    lane    bigint NOT NULL REFERENCES lanes (id),
    part    text NOT NULL CHECK (part IN ('roster', 'state', 'history')),
    tick    bigint NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (lane, part)
) WITH (fillfactor = 50, toast.autovacuum_vacuum_scale_factor = 0.1);

-- A row is inserted for each lane and tick, and deleted some hours later, when a history has what it had. A lane's rows go when its
-- own history is written, so partitions by time would hold rows that are needed still. Vacuum gives room back to the next rows: it
-- comes at a tenth of dead rows instead of a fifth, and the table stays within that of its live rows.
CREATE TABLE samples (
    lane    bigint NOT NULL REFERENCES lanes (id),
    tick    bigint NOT NULL,
    samples bytea, -- of all objectives of the lane, in the order of its roster
    PRIMARY KEY (lane, tick)
) WITH (autovacuum_vacuum_scale_factor = 0.1, toast.autovacuum_vacuum_scale_factor = 0.1);

CREATE TABLE incidents (
    id             text COLLATE "C" PRIMARY KEY,
    revision       bigint NOT NULL,
    posted         bigint NOT NULL DEFAULT 0, -- the revision that its publication has posted
    incident_group text COLLATE "C" NOT NULL,
    repository     text NOT NULL,
    onset          bigint NOT NULL,
    ended          bigint, -- NULL while a breach window is open
    doc            text NOT NULL
);
CREATE INDEX incidents_by_onset ON incidents (onset DESC, id);
CREATE INDEX incidents_by_group ON incidents (incident_group, onset DESC, id);
CREATE INDEX incidents_by_end ON incidents (ended);
-- These hold next to nothing, however many old incidents there are.
CREATE INDEX incidents_behind ON incidents (onset, id) WHERE revision > posted;
CREATE INDEX incidents_open ON incidents (onset DESC, id) WHERE ended IS NULL;
-- The longest incident bounds how long before a time one began that was still going on then. A zero onset is too far away for bigint.
CREATE INDEX incidents_by_length ON incidents ((ended::float8 - onset::float8)) WHERE ended IS NOT NULL;

CREATE TABLE publications (
    key               text COLLATE "C" PRIMARY KEY,
    publication_group text NOT NULL,
    repository        text NOT NULL,
    author            text COLLATE "C" NOT NULL, -- as whom it was posted; empty while it is not
    open_writes       boolean NOT NULL, -- whether a write is not posted yet
    excluded          boolean NOT NULL, -- whether people said that its incidents do not count
    summary           text NOT NULL, -- what lists tell of it: an issue.Summary
    doc               text NOT NULL
);
CREATE INDEX publications_open ON publications (key) WHERE open_writes;
CREATE INDEX publications_excluded ON publications (key) WHERE excluded;

-- An incident is part of one publication.
CREATE TABLE publication_incidents (
    incident    text COLLATE "C" PRIMARY KEY,
    publication text COLLATE "C" NOT NULL REFERENCES publications (key),
    posted      bigint NOT NULL, -- the revision of the incident
    learned     text NOT NULL -- what reports read of it: an issue.Learned
);
CREATE INDEX publication_incidents_by_publication ON publication_incidents (publication);

-- What is counted, day by day, for reports over months: an objective's history is only as long as its window.
CREATE TABLE series (
    id       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    slo      text COLLATE "C" NOT NULL,
    labels   text COLLATE "C" NOT NULL,
    measures text COLLATE "C" NOT NULL, -- digest of what is counted: with another one, a series begins anew
    service  text NOT NULL,
    target   text NOT NULL, -- the newest
    UNIQUE (slo, labels, measures)
);

-- Each minute updates today's row of each series.
CREATE TABLE days (
    series bigint NOT NULL REFERENCES series (id),
    day    bigint NOT NULL, -- since 1970-01-01, in UTC
    total  float8 NOT NULL,
    bad    float8 NOT NULL,
    known  bigint NOT NULL, -- how much of the day is known, and how much of that had no data
    blind  bigint NOT NULL,
    exact  boolean NOT NULL,
    PRIMARY KEY (series, day)
) WITH (fillfactor = 80);
