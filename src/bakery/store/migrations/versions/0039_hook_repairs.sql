-- A webhook at GitHub that is missing is put back by Bakery: when it was, and why it could not be.
ALTER TABLE github_hooks
    ADD COLUMN repaired_at timestamptz,
    ADD COLUMN problem text NOT NULL DEFAULT '';
