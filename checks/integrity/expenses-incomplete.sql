-- id: expenses-incomplete
-- criterion: DI-3, SC-4, POST-2
-- sentence: every expense has a category, an owner and a date that can be true
-- severity: critical
-- expectation: no rows; the newest first
-- dialect: both
-- tables: expenses
-- anchor: expenses-damaged

SELECT id
FROM expenses
WHERE category IS NULL OR category !~ '\S'
   OR user_id IS NULL
   OR date IS NULL OR date < '1990-01-01' OR date > current_date + 3660
ORDER BY created_at DESC
