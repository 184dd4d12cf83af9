"""What the database holds: invariants, rows, schema, policies and grants, each against how it was. It is only read."""

# The files that a baseline has of it, beside its index.
ROWS_FILE = "rows-before.json"
CATALOGUE_FILE = "catalogue-before.json"
ACCOUNT_FILE = "account-before.json"
