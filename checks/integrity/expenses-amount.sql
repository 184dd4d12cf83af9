-- id: expenses-amount
-- criterion: DI-3, SC-4, POST-2
-- sentence: every expense has an amount that can be true: a number, not negative, below a million
-- severity: critical
-- expectation: no rows; the largest first
-- dialect: both
-- tables: expenses
-- anchor: expenses-damaged

SELECT id
FROM expenses
-- NaN is greater than every number; it passes a CHECK (amount >= 0).
WHERE amount IS NULL OR amount < 0 OR amount >= 1000000
ORDER BY abs(amount) DESC
