"""What the database holds: invariants, rows, schema, policies and grants, each against how it was."""
