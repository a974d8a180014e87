-- What replicas ask each other, and what each answers. It is of no use after a crash.
CREATE UNLOGGED TABLE questions (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    replica text COLLATE "C" NOT NULL, -- who asks
    asked   timestamptz NOT NULL DEFAULT now(),
    content bytea NOT NULL
);

CREATE UNLOGGED TABLE answers (
    question bigint NOT NULL REFERENCES questions ON DELETE CASCADE,
    replica  text COLLATE "C" NOT NULL,
    content  bytea NOT NULL,
    PRIMARY KEY (question, replica)
);
