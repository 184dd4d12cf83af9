#!/usr/bin/env bash
# The plan's SQL checks as written, and the only verdict that its text gives: no incomplete conversation, no failed transaction, settings
# for every user. Usage: data.sh PYTHON DSN (tables in the plan's form).
exec "$1" - "$2" <<'PYTHON'
import sys

import psycopg

QUESTIONS = (
    "SELECT COUNT(CASE WHEN response IS NULL THEN 1 END) FROM pam_conversations",
    "SELECT COUNT(*) - COUNT(CASE WHEN settings IS NOT NULL THEN 1 END) FROM profiles",
    "SELECT COUNT(*) FROM expenses WHERE created_at > NOW() - INTERVAL '1 hour' AND amount IS NULL",
)
with psycopg.connect(sys.argv[1]) as connection:
    found = [connection.execute(question).fetchone()[0] for question in QUESTIONS]
print(found)
sys.exit(any(found))
PYTHON
