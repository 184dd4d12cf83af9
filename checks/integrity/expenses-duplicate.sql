-- id: expenses-duplicate
-- criterion: DI-3, SC-4, POST-2
-- sentence: no expense is booked twice: same user, amount, category, date and text at the same moment
-- severity: critical
-- expectation: no rows; the largest first
-- dialect: both
-- tables: expenses
-- anchor: expenses-damaged

-- The moments come in the order of an index, so that nothing is sorted; rows are compared only where a moment is there twice.
WITH counted AS (
    SELECT expense.created_at, row_number() OVER (PARTITION BY expense.created_at) AS place FROM expenses AS expense
)
SELECT doubled.id
FROM counted
CROSS JOIN LATERAL (
    SELECT max(expense.id) AS id, expense.amount
    FROM expenses AS expense
    WHERE expense.created_at = counted.created_at
    GROUP BY expense.user_id, expense.amount, expense.category, expense.date, expense.description
    HAVING count(*) > 1
) AS doubled
WHERE counted.place = 2
ORDER BY doubled.amount DESC
