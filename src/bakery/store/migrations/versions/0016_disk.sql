-- What builds take on a disk, and what is pruned.

SELECT 1;
