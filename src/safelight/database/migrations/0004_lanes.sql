-- A lane is a provider's part of the queue: jobs of different lanes do not wait for each other.
-- `virtual` is how far the lane has come: the highest tag of a job that was started.
CREATE TABLE lanes (
    name            text PRIMARY KEY,              -- the provider
    virtual         bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- Fair turns. A job's tag is where it stands in its lane: one behind its owner's last job there, or
-- behind where the lane has come, whichever is later. So whoever orders a thousand at once gets tags
-- far into the future, and who comes later with one is served next. The entry's priority is -tag.
CREATE TABLE turns (
    lane        text NOT NULL,
    owner_id    uuid NOT NULL,
    tag         bigint NOT NULL,
    added       bigint NOT NULL,
    PRIMARY KEY (lane, owner_id)
) WITH (fillfactor = 50);

-- Tags only grow: 2^31 pictures would end a lane.
ALTER TABLE queue.pgqueuer ALTER COLUMN priority TYPE bigint;

-- entry: its entry in the queue, with its tag. parked: the owner has as many jobs in the queue as he may; the
-- entry stands in a lane called 'parked', which nobody serves, until one of them has ended.
ALTER TABLE jobs ADD COLUMN entry bigint;
ALTER TABLE jobs ADD COLUMN tag bigint NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN parked boolean NOT NULL DEFAULT false;
ALTER TABLE jobs ADD COLUMN deadline_at timestamptz NOT NULL DEFAULT now() + interval '24 hours';
ALTER TABLE jobs ADD CHECK (NOT parked OR status = 'pending');

UPDATE jobs SET entry = entries.id
FROM queue.pgqueuer AS entries
WHERE entries.payload = uuid_send(jobs.id) AND jobs.finished_at IS NULL;
INSERT INTO lanes (name) SELECT DISTINCT provider FROM jobs;
UPDATE accounts SET open_jobs = (SELECT count(*) FROM jobs
                                 WHERE owner_id = accounts.id AND finished_at IS NULL);

DROP INDEX jobs_waiting;
CREATE INDEX jobs_waiting ON jobs (owner_id, provider, priority DESC, id) WHERE status = 'pending';
CREATE INDEX jobs_open_by_deadline ON jobs (deadline_at) WHERE finished_at IS NULL;

-- One request at one provider: the record of what was asked, what came of it, and what it cost us.
CREATE TABLE predictions (
    job_id       uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    index        smallint NOT NULL,
    attempt      integer NOT NULL,
    provider     text NOT NULL,
    model        text NOT NULL,
    state        text NOT NULL CHECK (state IN ('asked', 'ticket', 'answered', 'failed', 'unknown',
                                                'cancelled')),
    provider_id  text,                             -- the ticket's
    code         text,                             -- of the error, as users see it
    message      text,
    usd          numeric(12, 6),
    at           timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz,
    PRIMARY KEY (job_id, index, attempt)
) WITH (fillfactor = 80);
-- What the circuit breaker looks at.
CREATE INDEX predictions_lately ON predictions (provider, ended_at) WHERE ended_at IS NOT NULL;
-- What the reconciling sweep looks at.
CREATE INDEX predictions_open ON predictions (job_id) WHERE ended_at IS NULL;

-- An intent whose failure is known needs no looking for what came of it.
ALTER TABLE steps DROP CONSTRAINT steps_state_check;
ALTER TABLE steps ADD CHECK (state IN ('intent', 'ticket', 'done', 'failed'));

-- Jobs that failed for a reason that is not the user's: for the operator to look at.
CREATE TABLE dead_letters (
    job_id        uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    code          text NOT NULL,
    provider      text NOT NULL,
    model         text NOT NULL,
    at            timestamptz NOT NULL DEFAULT now(),
    replayed_as   uuid,
    discarded_at  timestamptz,
    CHECK (replayed_as IS NULL OR discarded_at IS NULL)
);
CREATE INDEX dead_letters_open ON dead_letters (job_id DESC)
    WHERE replayed_as IS NULL AND discarded_at IS NULL;

-- Who works, at which lanes, on how many jobs at a time. A row whose worker holds no lock any more
-- (queueing/liveness.py) is that of a dead one.
CREATE TABLE workers (
    id          uuid NOT NULL,
    lane        text NOT NULL,
    places      integer NOT NULL CHECK (places > 0),
    started_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, lane)
);
