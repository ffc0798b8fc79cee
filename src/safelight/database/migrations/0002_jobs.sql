CREATE EXTENSION IF NOT EXISTS vector;

-- Who owns everything. While accounts are off there is one local owner.
CREATE TABLE users (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    role        text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
    created_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO users (id, name, role)
VALUES ('00000000-0000-7000-8000-000000000001', 'You', 'admin');

-- What a user asked for, and how far it is. The row is the truth; the queue entry only says
-- "look at it". Rows are never written by a worker without `attempt = mine`: that is the fence.
--
-- owner_id has no foreign key on purpose: every submit of a user would share-lock the same users
-- row, and users are never deleted before their jobs.
CREATE TABLE jobs (
    id               uuid PRIMARY KEY,
    owner_id         uuid NOT NULL,
    type             text NOT NULL CHECK (type IN ('image', 'text')),
    status           text NOT NULL DEFAULT 'pending'
                     CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    stage            text CHECK (stage IN ('understanding', 'refining_prompt', 'generating',
                                           'uploading', 'finalizing')),
    progress         real,
    attempt          integer NOT NULL DEFAULT 0,   -- the fencing token; also how often it was started
    tries            integer NOT NULL DEFAULT 0,   -- attempts that ended in a failure that may be retried
    crashes          integer NOT NULL DEFAULT 0,   -- attempts that never ended: the worker died
    revision         integer NOT NULL DEFAULT 0,   -- +1 at every change a reader could see
    priority         smallint NOT NULL DEFAULT 5,
    model            text NOT NULL,
    provider         text NOT NULL,
    prompt           text NOT NULL,
    optimized_prompt text,
    request          jsonb NOT NULL,               -- the order as accepted, its options resolved
    count            smallint NOT NULL CHECK (count BETWEEN 1 AND 8),
    digest           bytea NOT NULL,               -- of everything that determines the output
    session_id       uuid,
    retry_of         uuid,
    reused           jsonb,
    adjustments      text[] NOT NULL DEFAULT '{}',
    warnings         text[] NOT NULL DEFAULT '{}',
    price            integer NOT NULL CHECK (price >= 0),
    charged          integer CHECK (charged BETWEEN 0 AND price),
    usd              numeric(12, 6),
    error            jsonb,
    request_id       text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    started_at       timestamptz,
    finished_at      timestamptz,
    words            tsvector GENERATED ALWAYS AS (to_tsvector('simple', prompt)) STORED,
    CHECK ((finished_at IS NULL) = (status IN ('pending', 'processing'))),
    CHECK (charged IS NULL OR finished_at IS NOT NULL)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- Ids are time-ordered, so newest first needs no second column.
CREATE INDEX jobs_of_owner ON jobs (owner_id, id DESC);
CREATE INDEX jobs_of_owner_by_status ON jobs (owner_id, status, id DESC);
CREATE INDEX jobs_reusable ON jobs (owner_id, digest) WHERE status = 'completed';
CREATE INDEX jobs_waiting ON jobs (priority DESC, id) WHERE status = 'pending';
CREATE INDEX jobs_words ON jobs USING gin (words);

-- Repeating a submit with the same key answers the same job. The primary key is the promise.
CREATE TABLE idempotency_keys (
    owner_id    uuid NOT NULL,
    key         text NOT NULL,
    body_digest bytea NOT NULL,
    job_id      uuid NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- A stored file. Rows hold keys; bytes are in the object storage.
CREATE TABLE assets (
    id           uuid PRIMARY KEY,
    owner_id     uuid NOT NULL,
    kind         text NOT NULL DEFAULT 'image' CHECK (kind = 'image'),
    job_id       uuid,                             -- null for uploads
    index        smallint,
    width        integer NOT NULL CHECK (width > 0),
    height       integer NOT NULL CHECK (height > 0),
    format       text NOT NULL CHECK (format IN ('png', 'jpeg', 'webp')),
    bytes        bigint NOT NULL CHECK (bytes > 0),
    sha256       bytea NOT NULL,
    thumbhash    bytea,
    seed         bigint,
    prompt       text,
    model        text,
    starred      boolean NOT NULL DEFAULT false,
    tags         text[] NOT NULL DEFAULT '{}',
    created_at   timestamptz NOT NULL DEFAULT now(),
    deleted_at   timestamptz,
    words        tsvector GENERATED ALWAYS AS (to_tsvector('simple', coalesce(prompt, ''))) STORED
);
CREATE INDEX assets_of_owner ON assets (owner_id, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX assets_starred ON assets (owner_id, id DESC) WHERE starred AND deleted_at IS NULL;
CREATE INDEX assets_words ON assets USING gin (words);

-- What came of a job: one row a variant, written once. The primary key makes a second set of
-- outputs impossible, whatever two workers do.
CREATE TABLE outputs (
    job_id    uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    index     smallint NOT NULL,
    status    text NOT NULL CHECK (status IN ('completed', 'failed')),
    asset_id  uuid REFERENCES assets,
    text      text,
    seed      bigint,
    error     jsonb,
    PRIMARY KEY (job_id, index)
);
CREATE INDEX outputs_of_asset ON outputs (asset_id) WHERE asset_id IS NOT NULL;

-- The journal: what a restart finds already done. An intent without a result means a call may have
-- been made whose answer was lost.
CREATE TABLE steps (
    job_id   uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    name     text NOT NULL,                        -- 'refine', 'render:0'
    attempt  integer NOT NULL,
    state    text NOT NULL CHECK (state IN ('intent', 'ticket', 'done')),
    result   jsonb,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, name)
);

-- A job's story, stored and streamed. `number` alone would lose lines: a transaction that took 7
-- may commit after the one that took 8. Readers therefore go by the transaction (xid) and stop
-- below the oldest one still running; within a transaction `number` keeps the order.
CREATE TABLE events (
    xid       bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    number    bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    owner_id  uuid NOT NULL,
    job_id    uuid NOT NULL,
    status    text NOT NULL,
    kind      text NOT NULL,
    data      jsonb NOT NULL DEFAULT '{}',
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (xid, number)
);
CREATE INDEX events_of_job ON events (job_id, xid, number);
CREATE INDEX events_of_owner ON events (owner_id, xid, number);
-- For forgetting them: the passing lines soon, everything after a month.
CREATE INDEX events_passing ON events (at) WHERE kind IN ('progress', 'delta');
CREATE INDEX events_by_age ON events USING brin (at);
