-- How an environment's site treats its visitors, where somebody chose. It belongs to the environment: going back to an
-- earlier release leaves it.
SET LOCAL lock_timeout = '4s';

-- The shape is that of SiteOptions. Of passwords it holds the hashes that the node's nginx compares with. `trouble` is
-- why nginx has refused the site as it was to be, with its line; visitors have it as it was before.
CREATE TABLE site_options (
    environment_id bigint PRIMARY KEY REFERENCES environments ON DELETE CASCADE,
    options jsonb NOT NULL CHECK (jsonb_typeof(options) = 'object'),
    trouble text NOT NULL DEFAULT ''
);
