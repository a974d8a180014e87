-- Replicas that share the store, and until when each lives unless it says so again. The only rows that change while nothing happens.
CREATE TABLE replicas (
    name  text COLLATE "C" PRIMARY KEY,
    until timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Who may write what. A lease lives as long as its holder.
CREATE TABLE leases (
    name   text COLLATE "C" PRIMARY KEY,
    holder text COLLATE "C" NOT NULL DEFAULT '', -- a replica, maybe one that lives no more; empty: nobody
    fence  bigint NOT NULL DEFAULT 0 -- rises each time that the lease changes hands
);
