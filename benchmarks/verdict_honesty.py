"""How often a verdict is right: sabotages and healthy situations, judged by the suite, by Chaos Toolkit and by the plan's own scripts.

Each is brought about on a sandbox, or by a product whose every answer is written out, and judged by all three in the same run; a dash
stands where a tool has no words for it. The suite is right only with the exit code that tells what is so (10 broken, 11 not known, 12 not
done, 13 refused, 14 not put back); the others know green and not green, and are right when green is well and nothing else is green.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from honesty_parts import actions, health, peers, selections, situations, todays_product
from honesty_parts.lane import Lane, lane
from honesty_parts.sabotage import Sabotage

LANES = 2
TOOLS = ("suite", "Chaos Toolkit", "plan's scripts")
_SHOWN_LINES = 40


@dataclass(frozen=True)
class Judged:
    """A sabotage with the exit code of each tool; None where it has no words for it."""

    sabotage: Sabotage
    codes: tuple[int, int | None, int | None]
    said: str
    """The last lines of the suite."""

    def right(self, tool: int) -> bool | None:
        """Whether this tool's verdict is right; None where it gave none."""
        code = self.codes[tool]
        if code is None:
            return None
        return self.sabotage.right(code) if tool == 0 else self.sabotage.right_of_two(code)


def judge(sabotage: Sabotage, where: Lane) -> Judged:
    """Ask all three, each on a place that is as it was, with the same fault."""
    ours = 0
    said = ""
    codes: list[int | None] = []
    for tool in range(len(TOOLS)):
        if (tool == 1 and sabotage.chaos is None) or (tool == 2 and sabotage.plan is None):
            codes.append(None)
            continue
        where.as_it_was()
        if sabotage.prepare is not None:
            sabotage.prepare(where)
        if sabotage.fault:
            remote = where.today if sabotage.environment == "today" else where.remote
            remote.plant(sabotage.fault, **sabotage.parameters)
        if tool == 0:
            ours = _ask_the_suite(sabotage, where)
            said = "\n".join(where.said.strip().splitlines()[-_SHOWN_LINES:])
        elif tool == 1 and sabotage.chaos is not None:
            codes.append(peers.run_chaos(where, sabotage.chaos(where), sabotage.chaos_signal))
        elif sabotage.plan is not None:
            codes.append(where.call(sabotage.plan(where)))
    where.as_it_was()
    return Judged(sabotage, (ours, codes[0], codes[1]), said)


def _ask_the_suite(sabotage: Sabotage, where: Lane) -> int:
    if sabotage.drive is not None:
        return sabotage.drive(sabotage, where)
    return where.suite(sabotage.ask, sabotage.environment, **sabotage.variables)


def everything() -> Iterator[Sabotage]:
    """All groups; what takes longest comes first, so that no lane waits for it in the end."""
    yield from selections.load_rows()
    yield from actions.rows()
    yield from todays_product.rows()
    yield from situations.rows()
    yield from selections.rows()
    yield from health.rows()


def judge_all(sabotages: Sequence[Sabotage], folder: Path) -> list[Judged]:
    """On two lanes side by side; a test under load has the machine for itself."""
    chaos = peers.installed_chaos(folder / "chaos")
    with ExitStack() as stack:
        free: SimpleQueue[Lane] = SimpleQueue()
        lanes = [stack.enter_context(lane(folder / f"lane-{number}", chaos)) for number in range(LANES)]
        for each in lanes:
            free.put(each)

        def on_a_free_lane(sabotage: Sabotage) -> Judged:
            where = free.get()
            try:
                judged = judge(sabotage, where)
            finally:
                free.put(where)
            print("." if judged.right(0) else "F", end="", flush=True)
            return judged

        alone = [on_a_free_lane(sabotage) for sabotage in sabotages if sabotage.group == "load"]
        with ThreadPoolExecutor(LANES) as pool:
            return alone + list(pool.map(on_a_free_lane, (each for each in sabotages if each.group != "load")))


def main() -> int:
    """Judge all, print right verdicts of each tool; 1 when one of the suite's is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="WORD", default="", help="only sabotages whose group or name has this word")
    options = parser.parse_args()
    sabotages = [each for each in everything() if options.only in f"{each.group} {each.name}"]
    if not sabotages:
        parser.error(f"--only {options.only}: expected a word of a group or a name, found none that has it")
    begun_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        judged = judge_all(sabotages, Path(folder))
    print(f"\n{len(judged)} situations in {time.monotonic() - begun_s:.0f} s; right verdicts of those given\n")
    print(f"{'group':18}" + "".join(f"{tool:>18}" for tool in TOOLS))
    for group in (*dict.fromkeys(each.sabotage.group for each in judged), ""):
        of_group = [each for each in judged if group in {each.sabotage.group, ""}]
        print(f"{group or 'all':18}" + "".join(f"{_share(of_group, tool):>18}" for tool in range(len(TOOLS))))
    _print_each(judged)
    wrong = [each for each in judged if not each.right(0)]
    for each in wrong:
        print(f"\nWRONG {each.sabotage.name}: {each.sabotage.truth}, exit code {each.codes[0]}\n{each.said}")
    return int(bool(wrong))


def _share(judged: Sequence[Judged], tool: int) -> str:
    verdicts = [right for each in judged if (right := each.right(tool)) is not None]
    return f"{sum(verdicts)} of {len(verdicts)}" if verdicts else "-"


def _print_each(judged: Sequence[Judged]) -> None:
    """Exit codes by situation; a wrong one carries a mark."""
    print(f"\n{'situation':58}{'truth':>13}" + "".join(f"{tool:>16}" for tool in TOOLS))
    for each in judged:
        cells = (
            "-" if code is None else f"{code}{'' if each.right(tool) else ' wrong'}"
            for tool, code in enumerate(each.codes)
        )
        print(f"{each.sabotage.name[:57]:58}{each.sabotage.truth:>13}" + "".join(f"{cell:>16}" for cell in cells))


if __name__ == "__main__":
    sys.exit(main())
