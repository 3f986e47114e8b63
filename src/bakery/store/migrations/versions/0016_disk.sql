-- What builds take on a disk, so that the next one is not begun where it has no room; and when a node was last pruned.

ALTER TABLE builds ADD COLUMN bytes bigint CHECK (bytes >= 0);  -- image, or files of the release; null: not counted
ALTER TABLE nodes ADD COLUMN pruned_at timestamptz NOT NULL DEFAULT now();
