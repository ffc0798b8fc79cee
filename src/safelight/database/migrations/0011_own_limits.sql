-- What an administrator set for one user instead of what the settings say for all; null: as they say.
-- Beside the role, because both are looked up with every key and session.
ALTER TABLE users ADD COLUMN submits_per_minute integer;
ALTER TABLE users ADD COLUMN open_max integer;
ALTER TABLE users ADD COLUMN running_max integer;
ALTER TABLE users ADD COLUMN quota_bytes bigint;
ALTER TABLE users
    ADD CHECK (least(submits_per_minute, open_max, running_max, quota_bytes) > 0) NOT VALID;
