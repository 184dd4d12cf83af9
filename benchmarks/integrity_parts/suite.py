"""The suite's engine alone, for the benchmark: reads the DSN from stdin, evaluates all checks, prints what it took."""

import resource
import sys
from pathlib import Path

from pam_rollback.database.integrity import evaluate
from pam_rollback.database.row_counting import oids_of
from pam_rollback.http.postgres import Patience, open_snapshot
from pam_rollback.target.files import load_contract
from pam_rollback.target.invariants import parse_invariant
from pam_sandbox.database import migrations

ROOT = Path(__file__).resolve().parents[2]
CHECKS = ROOT / "checks" / "integrity"
PRODUCT = ROOT / "products" / "pam-plan.toml"


def main() -> int:
    """Evaluate; 0 when every invariant holds."""
    found = [
        parse_invariant(path.read_text("utf-8"), source=path.name, stem=path.stem)
        for path in sorted(CHECKS.glob("*.sql"))
    ]
    given: dict[str, object] = {
        "grace_s": float(sys.argv[1]),
        "test_user": "00000000-0000-4000-8000-000000000000",
        "schema_version": migrations()[-1].version,
        "compatible_migrations": [],
    }
    with open_snapshot(sys.stdin.read().strip(), Patience(statement_timeout_s=900)) as snapshot:
        given["users_tables"] = oids_of(snapshot, load_contract(PRODUCT).tables.users, {})
        evaluation = evaluate(snapshot, [one for one in found if "product" in one.dialects], given=given, names={})
    for why in evaluation.unknown.values():
        print(f"unknown: {why}")
    broken = [result for result in evaluation.results.values() if not result.holds]
    for result in broken:
        print(f"broken: {result}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")
    return 1 if broken or evaluation.unknown else 0


if __name__ == "__main__":
    sys.exit(main())
