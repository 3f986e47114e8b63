-- Images of registries as a source, retrying, tests skipped.

SELECT 1;
