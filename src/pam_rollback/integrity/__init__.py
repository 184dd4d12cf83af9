"""What the database holds: invariants, rows, schema, policies and grants, each against how it was.

It may touch the foundation, the product's database, which it only reads, ``observation/`` (when the window is over), ``rollback/``
(which migrations a release knows) and ``sandbox/`` (which makes a copy of its database).
"""

# The files that a baseline has of it, beside its index.
ROWS_FILE = "rows-before.json"
ACCESS_FILE = "access-before.json"
SCHEMA_FILE = "schema-before.json"
ACCOUNT_FILE = "account-before.json"
