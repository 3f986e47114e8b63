-- A slot that stays warm, and a release that is watched for a while.

SELECT 1;
