-- Who may come in, and how often.

ALTER TABLE users ADD COLUMN email text;
ALTER TABLE users ADD COLUMN disabled_at timestamptz;
CREATE UNIQUE INDEX users_by_email ON users (lower(email));

-- Keys for programs. Only the digest is kept: a copy of this table opens nothing. `hint` is the
-- key's beginning, so that its owner knows which one it is.
CREATE TABLE api_keys (
    id            uuid PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name          text NOT NULL,
    hint          text NOT NULL,
    sha256        bytea NOT NULL UNIQUE,
    scopes        text[] CHECK (scopes <@ ARRAY['jobs:write', 'jobs:read', 'assets:read', 'admin']),
                                               -- null: everything but admin
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz,
    last_used_at  timestamptz,                 -- written at most once a minute
    revoked_at    timestamptz
) WITH (fillfactor = 80);
CREATE INDEX api_keys_of_user ON api_keys (user_id, id DESC) WHERE revoked_at IS NULL;

-- What was granted lately, for sliding windows. `asked`, `cost`, `most`, `granted` and `clock` are of
-- the last question: an upsert sees and returns columns only (accounts/limits.py).
--
-- Unlogged: counting must not cost an fsync an order. A crash of the database empties it, which
-- gives everybody his next minute anew and nothing else.
CREATE UNLOGGED TABLE windows (
    bucket    text PRIMARY KEY,
    asked     integer NOT NULL,
    cost      integer NOT NULL,
    most      integer NOT NULL,
    window_s  double precision NOT NULL,
    granted   integer NOT NULL,
    clock     timestamptz NOT NULL,
    hits      timestamptz[] NOT NULL           -- oldest first
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
