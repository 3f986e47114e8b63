-- Processes beside the one with the port, and how many of each.

SELECT 1;
