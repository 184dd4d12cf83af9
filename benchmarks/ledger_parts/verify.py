"""The verification of a ledger alone, for its benchmark: reads the DSN from stdin, prints what it found and what it took as JSON."""

import json
import math
import resource
import sys
import time
from pathlib import Path

from pam_rollback.ledger.client.ledger_rows import ledger_rows
from pam_rollback.ledger.rules.ledger_verdict import FinalReading, judge
from pam_rollback.ledger.rules.ledger_writes import WriteKind
from pam_rollback.ledger.service.ledger import LedgerRecord
from pam_rollback.outside.postgres import Patience, open_snapshot


def main() -> None:
    """Verify the record of the first argument; the second is the beginning of its markers."""
    start_s = time.perf_counter()
    writes = LedgerRecord(Path(sys.argv[1])).writes
    recorded_s = time.perf_counter()
    with open_snapshot(sys.stdin.read().strip(), Patience(statement_timeout_s=900)) as snapshot:
        kinds = (WriteKind.EXPENSE, WriteKind.CHAT)
        rows = tuple(row for kind in kinds for row in ledger_rows(snapshot, kind, sys.argv[2]))
    read_s = time.perf_counter()
    # The record's moments are made up; the reading came after all of them.
    verdict = judge(writes, FinalReading(math.inf, rows))
    seconds = {
        "record": recorded_s - start_s,
        "rows": read_s - recorded_s,
        "verdict": time.perf_counter() - read_s,
    }
    print(
        json.dumps(
            {
                "state": verdict.state,
                "acknowledged": verdict.acknowledged,
                "present": verdict.present,
                "lost": verdict.lost_markers,
                "altered": verdict.altered_markers,
                "duplicated": verdict.duplicated_markers,
                "unread": verdict.unread,
                "indeterminate": verdict.indeterminate,
                "recovered": verdict.recovered,
                "reasons": verdict.reasons,
                "seconds": {name: round(value, 3) for name, value in seconds.items()},
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
            }
        )
    )


if __name__ == "__main__":
    main()
