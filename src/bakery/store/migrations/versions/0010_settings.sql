-- What a person sets of how an environment runs, and its volumes.

SELECT 1;
