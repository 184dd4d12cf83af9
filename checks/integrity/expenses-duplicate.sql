-- id: expenses-duplicate
-- criterion: DI-3, SC-4, POST-2
-- sentence: no expense is booked twice: same user, amount, category, date and text at the same moment
-- severity: critical
-- expectation: no rows; the largest first
-- dialect: both
-- tables: expenses
-- anchor: expenses-damaged

-- The moments come from an index; rows are compared only where a moment is there twice.
WITH crowded AS (
    SELECT expense.created_at FROM expenses AS expense GROUP BY expense.created_at HAVING count(*) > 1
)
SELECT doubled.id
FROM crowded
CROSS JOIN LATERAL (
    SELECT max(expense.id) AS id, expense.amount
    FROM expenses AS expense
    WHERE expense.created_at = crowded.created_at
    GROUP BY expense.user_id, expense.amount, expense.category, expense.date, expense.description
    HAVING count(*) > 1
) AS doubled
ORDER BY doubled.amount DESC
