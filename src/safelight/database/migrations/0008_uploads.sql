-- Pictures that people bring along.

-- The new condition holds for every row that is there, because the old one did: it need not be
-- looked for, and looking would keep everybody else out for as long as the table is large.
ALTER TABLE assets DROP CONSTRAINT assets_kind_check;
ALTER TABLE assets ADD CONSTRAINT assets_kind_check CHECK (kind IN ('image', 'upload')) NOT VALID;

-- What an owner has brought, by the SHA-256 of the file as it was sent: the same file again is the
-- same asset. The asset's own digest is of what was made of it.
CREATE TABLE uploads (
    owner_id  uuid NOT NULL,
    sha256    bytea NOT NULL,
    asset_id  uuid NOT NULL REFERENCES assets ON DELETE CASCADE,
    PRIMARY KEY (owner_id, sha256)
);
CREATE INDEX uploads_of_asset ON uploads (asset_id);

-- The pictures a job starts from, in the order they were named; place -1 is its mask. Read the other
-- way round: what was made from a picture. Without a foreign key to it: a picture that is removed
-- for good in the moment of an order must not take down the orders beside it.
CREATE TABLE sources (
    job_id    uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    place     smallint NOT NULL,
    asset_id  uuid NOT NULL,
    PRIMARY KEY (job_id, place)
);
CREATE INDEX sources_of_asset ON sources (asset_id, job_id);

CREATE INDEX assets_uploads ON assets (owner_id, id DESC)
    WHERE kind = 'upload' AND deleted_at IS NULL;
-- How much an owner has stored, from the index alone.
CREATE INDEX assets_sizes ON assets (owner_id) INCLUDE (bytes);
