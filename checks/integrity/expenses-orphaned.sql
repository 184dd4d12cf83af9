-- id: expenses-orphaned
-- criterion: DI-3, SC-4, POST-2
-- sentence: every expense belongs to a user who exists
-- severity: critical
-- expectation: no rows
-- dialect: both
-- tables: expenses, auth.users
-- anchor: expenses-damaged

SELECT expense.id
FROM expenses AS expense
WHERE NOT EXISTS (SELECT FROM auth.users AS owner WHERE owner.id = expense.user_id)
