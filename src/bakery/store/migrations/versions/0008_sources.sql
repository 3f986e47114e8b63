-- Sources: written by who builds Git as a source; empty until then.
SELECT 1;
