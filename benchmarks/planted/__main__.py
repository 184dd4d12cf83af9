"""The judge that stays put: each planted case must get the verdict, the exit code and the first named part that `cases.toml` freezes.

Each case has a sandbox of its own, in which the suite is asked as a user asks it. A case that says ``baseline`` records one first, one that
says ``named`` is asked as an ordinary environment that no token makes a sandbox, and one with ``twin`` is healthy: it must stay green.
Run as ``python benchmarks/planted [--only WORD …] [--at-once 2]``. What is expected may not be changed to fit the code (see README.md).
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from case import Case, Judged, cases
from place import place

_FOUND_LINES = 14


def judge(case: Case) -> Judged:
    """Bring the case about in a sandbox of its own and ask the suite."""
    begun_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="planted-") as folder, place(case, Path(folder)) as where:
        code, said = where.ask()
    found = Judged(case, code, said, time.monotonic() - begun_s)
    print(f"{'ok   ' if found.right else 'WRONG'} {found.took_s:4.0f} s  {case.group}: {case.name}", flush=True)
    return found


def main() -> int:
    """Judge the cases and print the table; 1 when one is not as frozen."""
    parser = argparse.ArgumentParser(prog="python benchmarks/planted", description=__doc__)
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="WORD", help="cases with one of these words in their group or name"
    )
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="how many run side by side (2)")
    parser.add_argument("--list", action="store_true", help="print the cases and run none")
    options = parser.parse_args()
    chosen = [
        case
        for case in cases()
        if not options.only or any(word in f"{case.group} {case.name}" for word in options.only)
    ]
    if not chosen:
        parser.error(
            f"--only {' '.join(options.only)}: expected a word of a group or a name (--list prints them), found none that has it"
        )
    if options.list:
        print("\n".join(f"{case.group}: {case.name}: {case.expected}" for case in chosen))
        return 0
    begun_s = time.monotonic()
    with ThreadPoolExecutor(options.at_once) as pool:
        judged = list(pool.map(judge, chosen))
    _print_table(judged, time.monotonic() - begun_s)
    return int(any(not each.right for each in judged))


def _print_table(judged: Sequence[Judged], took_s: float) -> None:
    print(f"\n{'group':22}{'as frozen':>12}{'seconds':>10}")
    for group in dict.fromkeys(each.case.group for each in judged):
        own = [each for each in judged if each.case.group == group]
        print(
            f"{group:22}{f'{sum(each.right for each in own)} of {len(own)}':>12}{sum(each.took_s for each in own):10.0f}"
        )
    print(f"{'all':22}{f'{sum(each.right for each in judged)} of {len(judged)}':>12}{took_s:10.0f}")
    for each in judged:
        if not each.right:
            print(
                f"\nWRONG {each.case.group}: {each.case.name}\n  frozen: {each.case.expected}\n  found:  exit code {each.code}"
            )
            print("\n".join(f"    {line}" for line in each.screen[:_FOUND_LINES]))


if __name__ == "__main__":
    sys.exit(main())
