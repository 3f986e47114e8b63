-- Commands that run once: hooks, the release command, those of people.

SELECT 1;
