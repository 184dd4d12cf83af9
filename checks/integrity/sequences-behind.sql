-- id: sequences-behind
-- criterion: DI-3, SC-4, POST-2
-- sentence: the next expense gets an id that is not taken
-- severity: critical
-- expectation: no rows
-- dialect: product
-- tables: expenses, expenses_id_seq
-- anchor: schema-damaged

SELECT 'expenses.id' AS object
FROM expenses_id_seq AS numbers
WHERE numbers.last_value < (SELECT max(expense.id) FROM expenses AS expense)
   OR (NOT numbers.is_called AND numbers.last_value = (SELECT max(expense.id) FROM expenses AS expense))
