-- Forgetting: pictures that were deleted, and people who have left.

-- A deleted picture is purged in three steps, each of which may be repeated: its row is claimed
-- (purging_since: from here on nobody can take the deletion back), its objects are removed, and the
-- row is emptied (purged_at). The emptied row stays, so that its job goes on saying that there was
-- a picture and nothing that refers to it breaks.
ALTER TABLE assets ADD COLUMN purging_since timestamptz;  -- the latest claim; a dead one is taken over
ALTER TABLE assets ADD COLUMN purged_at timestamptz;
ALTER TABLE assets ADD CHECK (purging_since IS NULL OR deleted_at IS NOT NULL) NOT VALID;
ALTER TABLE assets ADD CHECK (purged_at IS NULL OR purging_since IS NOT NULL) NOT VALID;
-- What is still to be purged; rows leave it when they are.
CREATE INDEX assets_in_trash ON assets (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
-- Everything of an owner that takes up space, or is to go with him. It knows the sizes too, without
-- those of stubs.
DROP INDEX assets_sizes;
CREATE INDEX assets_kept ON assets (owner_id, id) INCLUDE (bytes) WHERE purged_at IS NULL;

-- A user who was deleted is kept out at once (disabled_at is set too, to the same moment unless he
-- was disabled before) and can be brought back until forgetting begins. The row stays without his
-- name for as long as the ledger speaks of him.
ALTER TABLE users ADD COLUMN deleted_at timestamptz;
ALTER TABLE users ADD COLUMN forgetting_since timestamptz;
ALTER TABLE users ADD COLUMN forgotten_at timestamptz;
ALTER TABLE users ADD CHECK (deleted_at IS NULL OR disabled_at IS NOT NULL) NOT VALID;
ALTER TABLE users ADD CHECK (forgetting_since IS NULL OR deleted_at IS NOT NULL) NOT VALID;
ALTER TABLE users ADD CHECK (forgotten_at IS NULL OR forgetting_since IS NOT NULL) NOT VALID;
CREATE INDEX users_leaving ON users (deleted_at) WHERE deleted_at IS NOT NULL AND forgotten_at IS NULL;

-- Nothing is ordered on a closed account. The same row is locked by every order, so that an order
-- is either before the end, and cancelled, or refused.
ALTER TABLE accounts ADD COLUMN closed_at timestamptz;
CREATE INDEX accounts_closed_with_jobs ON accounts (id) WHERE closed_at IS NOT NULL AND open_jobs > 0;
