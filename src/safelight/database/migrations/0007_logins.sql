-- People who log in: passwords, the sessions of their browsers, the word of other sites for who
-- they are, and codes that are good for one thing once. Of every secret there is only a digest: a
-- copy of these tables opens nothing.

-- Not in users, so that nothing that reads users can show a hash.
CREATE TABLE passwords (
    user_id     uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    hash        text NOT NULL,                 -- argon2id, with its parameters and its salt
    changed_at  timestamptz NOT NULL DEFAULT now()
);

-- A browser that is logged in. How long that lasts depends on the user's role (accounts/logins.py).
CREATE TABLE logins (
    id            uuid PRIMARY KEY,
    sha256        bytea NOT NULL UNIQUE,       -- of the cookie's value; replaced when it is rotated
    user_id       uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at    timestamptz NOT NULL DEFAULT now(),
    used_at       timestamptz NOT NULL DEFAULT now(),  -- written at most once a minute
    confirmed_at  timestamptz NOT NULL DEFAULT now(),  -- when its user last proved who he is
    agent         text,                        -- what the browser calls itself, for its user to know it by
    address       text
) WITH (fillfactor = 80);
CREATE INDEX logins_of_user ON logins (user_id, id DESC);

-- Who somebody is at another site (OIDC). The pair is the identity; an e-mail address is not.
CREATE TABLE identities (
    issuer      text NOT NULL,
    subject     text NOT NULL,
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_of_user ON identities (user_id);

CREATE TABLE codes (
    id          uuid PRIMARY KEY,
    purpose     text NOT NULL CHECK (purpose IN ('setup', 'invite', 'reset')),
    sha256      bytea NOT NULL UNIQUE,
    role        text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),  -- setup, invite: of whom it lets in
    user_id     uuid REFERENCES users ON DELETE CASCADE,                         -- reset: whose password
    note        text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    CHECK ((purpose = 'reset') = (user_id IS NOT NULL))
);

-- Somebody who was sent to another site to log in there, until he is back. Unlogged: a crash of the
-- database costs him a second click.
CREATE UNLOGGED TABLE oidc_transactions (
    sha256      bytea PRIMARY KEY,             -- of the cookie's value
    provider    text NOT NULL,
    state       text NOT NULL,
    nonce       text NOT NULL,
    verifier    text NOT NULL,
    code        text,                          -- an invite he came with
    next        text NOT NULL,
    user_id     uuid,                          -- who was logged in when he left
    created_at  timestamptz NOT NULL DEFAULT now()
);
