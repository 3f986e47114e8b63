-- A repository may be opened by the link of a person to their GitHub. Without that person nothing opens it.
ALTER TABLE git_sources ADD COLUMN github_person bigint REFERENCES people ON DELETE SET NULL;
