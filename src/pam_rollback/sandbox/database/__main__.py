"""`python -m pam_rollback.sandbox.database`: make the product's database; one JSON line {"dsn": …, "password": …} on stdin.

On stdin and not as arguments, because arguments can be read by every user of the machine.
"""

from __future__ import annotations

import json
import sys
import time

import psycopg

from pam_rollback.sandbox.database import DatabaseNotEmptyError, create


def main() -> int:
    """Create and fill the database; 0 done, 1 it could not be done, 2 the input was not understood."""
    try:
        wanted = json.loads(sys.stdin.readline())
        dsn, password = wanted["dsn"], wanted.get("password")
    except (ValueError, KeyError, TypeError, AttributeError):
        sys.stderr.write(
            'stdin: expected one JSON line {"dsn": "postgresql://…", "password": "…"} (password may be left out)\n'
        )
        return 2
    started_s = time.monotonic()
    try:
        create(dsn, password=password)
    except (psycopg.Error, DatabaseNotEmptyError) as error:
        sys.stderr.write(f"the database was not made: {error}\n")
        return 1
    sys.stdout.write(f"created in {time.monotonic() - started_s:.2f} s\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
