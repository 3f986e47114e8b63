-- Health and traffic of each slot.

SELECT 1;
