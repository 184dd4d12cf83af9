-- id: tickets-orphaned
-- criterion: SC-4, POST-2
-- sentence: every support ticket belongs to a user who exists
-- severity: critical
-- expectation: no rows; the newest first
-- dialect: product
-- tables: support_tickets, auth.users
-- empty: allowed
-- anchor: data-corrupted

SELECT ticket.id
FROM support_tickets AS ticket
WHERE NOT EXISTS (SELECT FROM auth.users AS owner WHERE owner.id = ticket.user_id)
ORDER BY ticket.created_at DESC
