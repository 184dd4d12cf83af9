"""What each strategy takes of its own: recovery as users see it, less the time that the providers take, on a sandbox of its own.

Each story of drills/ runs as a real rollback (`--mode real`) against a sandbox that nothing is wrong with, and users are asked from outside
every 15 ms what they get. In the providers' place stands a witness that notes each request. Beside each, in the same run, one curl that
asks the same provider: from the start of the command to its first request. The fast profile for all stories; the realistic one, with the
times that the providers typically take, for two.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from options_parts.command_line import size_options
from strategies_parts.range import NAME, Place, Profile, place
from strategies_parts.served import features_off, stable_api, stable_site, watched

from pam_rollback.plan.plan import load_plan
from pam_rollback.plan.stories import STORIES, objective_of
from pam_rollback.rollback.strategies import backend, frontend
from pam_rollback.rollback.strategies.frontend import BUILD

ROOT = Path(__file__).resolve().parent.parent
REALISTIC = ("frontend-restore", "backend-provider")
FIRST_REQUEST_S_MAX, OVERHEAD_PCT_MAX = 1.0, 5.0
REVERTING = (frontend.REVERT, backend.REVERT)
_CURLS = 5
_LONGEST_S = 900
_SETTLED_S = 0.5
_HEAD = (
    f"{'strategy':17} {'start':>6} {'1st req.':>8} {'CPU':>5} {'curl':>5} {'recovery':>8} {'provider':>8} {'git, npm':>8} "
    f"{'own':>6} {'own/prov.':>9} {'seen after':>10} {'plan: at most':>13}"
)
_LEGEND = """
start       from the command until the action begins
1st req.    from the command to the first request to a provider
CPU         what the session had used of a processor by then: about what it takes where nothing else runs
curl        from the start of one curl to its request
recovery    from the beginning of the action until users get the target
provider    how long a provider was at work meanwhile
git, npm    reverting and building
own         the rest; with gradual, the time that each share is held
seen after  how much later the action has seen it and is over
"""


@dataclass(frozen=True)
class Measured:
    """One rollback. Moments are seconds since 1970."""

    story: str
    commanded_s: float
    asked_s: float | None
    """The first request to a provider; None where there is none."""
    used_s: float | None
    """How much of a processor the session had used until then: on a machine that does nothing else it takes about as long."""
    curl_s: float | None
    """What one curl takes to ask the same provider."""
    acting_s: float
    """From here on the action is under way: what is before is the start of the session."""
    served_s: float
    """From here on users get the target."""
    confirmed_s: float
    """The action has seen it, and is over."""
    provider_s: float
    """How long a provider was at work on it, between the command and the moment when users had it."""
    sources_s: float
    """How long git and npm were at work: the rest of what is not the providers' is the suite's own."""

    @property
    def own_s(self) -> float:
        """What the action took beside the providers, git and npm."""
        return self.served_s - self.acting_s - self.provider_s - self.sources_s

    @property
    def own_pct(self) -> float | None:
        """The same, in percent of the providers' time."""
        return 100 * self.own_s / self.provider_s if self.provider_s else None


def looks(story: str, where: Place) -> dict[str, Callable[[], bool]]:
    """What makes the target of a story."""
    strategy = STORIES[story].strategy
    parts = {
        "flags": (features_off(where.api), {"feature-flag", "gradual", "emergency", "full-system"}),
        "front end": (stable_site(where.frontend), {"frontend", "full-system"}),
        "back end": (stable_api(where.api), {"backend", "full-system"}),
    }
    return {name: look for name, (look, strategies) in parts.items() if strategy in strategies}


def measure(story: str, latencies: Profile) -> Measured:
    """Roll back once."""
    with tempfile.TemporaryDirectory() as scratch, place(Path(scratch), latencies) as where:
        folder = Path(scratch) / "run"
        command = [
            *(
                sys.executable,
                "-m",
                "pytest",
                f"drills/test_{story.replace('-', '_')}.py",
                "-k",
                "test_team_was_notified",
            ),
            *(f"--env={where.file}", "--mode=real", "--execute", f"--confirm={NAME}", "--reason=a benchmark"),
            *("--initiated-by=benchmark", f"--run-dir={folder}"),
        ]
        used_s: list[float] = []
        with watched(looks(story, where)) as watch:
            time.sleep(_SETTLED_S)
            commanded_s = time.time()
            session = subprocess.Popen(
                command,
                cwd=ROOT,
                env=dict(where.variables),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            where.render.at_first = where.netlify.at_first = lambda: used_s.append(_processor_s(session.pid))
            said, _ = session.communicate(timeout=_LONGEST_S)
            where.render.at_first = where.netlify.at_first = lambda: None
        events = _journal(folder / "journal.jsonl")
        if "action-finished" not in events or len(watch.since_s) != len(looks(story, where)):
            sys.exit(f"{story}: not rolled back, exit code {session.returncode}:\n{said[-6000:]}")
        served_s = max(watch.since_s.values())
        # After its action a session collects what providers know of it, for the post-mortem.
        requests = [seen.came_s for witness in (where.render, where.netlify) for seen in witness.seen]
        asked = [came_s for came_s in requests if came_s <= events["action-finished"]]
        return Measured(
            story=story,
            commanded_s=commanded_s,
            asked_s=min(asked, default=None),
            used_s=used_s[0] if asked else None,
            curl_s=_curl(where) if asked else None,
            acting_s=events["action"],
            served_s=served_s,
            confirmed_s=events["action-finished"],
            provider_s=_union([*_render(where, commanded_s), *_netlify(where)], commanded_s, served_s),
            sources_s=_sources(folder / "journal.jsonl", where),
        )


def _journal(path: Path) -> dict[str, float]:
    """When each kind of event was last noted."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    records = [json.loads(line) for line in lines]
    return {record["event"]: _moment(record["at"]) for record in records}


def _render(where: Place, since_s: float) -> list[tuple[float, float]]:
    """When Render was at work: from each deploy's creation until it was live."""
    settings = where.state["render"]
    url = f"{settings['api_url']}/services/{settings['service_id']}/deploys?limit=100"
    deploys = [found["deploy"] for found in _asked(url, where.variables["RENDER_API_KEY"])]
    spans = [(_moment(one["createdAt"]), _moment(one["finishedAt"])) for one in deploys if one.get("finishedAt")]
    return [span for span in spans if span[0] >= since_s]


def _netlify(where: Place) -> list[tuple[float, float]]:
    """When Netlify was at work: from its answer to what set the publication off, until that."""
    settings = where.state["netlify"]
    site = _asked(f"{settings['api_url']}/sites/{settings['site_id']}", where.variables["NETLIFY_AUTH_TOKEN"])
    published_s = _moment(site["published_deploy"]["published_at"])
    before = [seen for seen in where.netlify.seen if seen.accepted and seen.answered_s < published_s]
    # What was uploaded is published by itself; where nothing was, a restore set it off.
    uploads = [seen.answered_s for seen in before if seen.method == "PUT"]
    changes = uploads or [seen.answered_s for seen in before if seen.path.endswith("/restore")]
    return [(max(changes), published_s)] if changes else []


def _sources(journal: Path, where: Place) -> float:
    """The steps that revert, whole, and the one that builds, until Netlify hears of the build."""
    moments = {
        (record["event"], record.get("step")): _moment(record["at"])
        for record in map(json.loads, journal.read_text(encoding="utf-8").splitlines())
    }
    spans = [(moments.get(("step-started", step)), moments.get(("step-done", step))) for step in REVERTING]
    begun_s = moments.get(("step-started", BUILD))
    heard_s = (seen.came_s for seen in where.netlify.seen if begun_s and seen.accepted and seen.came_s > begun_s)
    spans.append((begun_s, min(heard_s, default=None)))
    return sum(end_s - start_s for start_s, end_s in spans if start_s is not None and end_s is not None)


def _union(spans: Sequence[tuple[float, float]], since_s: float, until_s: float) -> float:
    """How long at least one of them was under way."""
    total_s, over_s = 0.0, since_s
    for start_s, end_s in sorted(spans):
        start_s, end_s = max(start_s, over_s), min(end_s, until_s)  # noqa: PLW2901 - clipped
        if end_s > start_s:
            total_s += end_s - start_s
            over_s = end_s
    return total_s


def _curl(where: Place) -> float:
    """From the start of a curl to its request: what a person's own script takes. It reads, so that it does not roll back again."""
    took: list[float] = []
    settings = where.state["render"]
    for _ in range(_CURLS):
        before = len(where.render.seen)
        started_s = time.time()
        subprocess.run(
            ["curl", "-s", "-o", "/dev/null", f"{where.render.url}/services/{settings['service_id']}"],
            check=True,
            timeout=_LONGEST_S,
        )
        took.append(where.render.seen[before].came_s - started_s)
    return statistics.median(took)


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _asked(url: str, token: str) -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - a loopback address
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return json.loads(answer.read())


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def main() -> int:
    """Measure, print; 1 when a figure is not what was asked."""
    options = size_options(__doc__)
    options.add_argument(
        "profile", choices=("fast", "realistic", "all"), nargs="?", default="all", help="all takes 6 minutes"
    )
    options.add_argument(
        "stories", metavar="STORY", type=_story, nargs="*", help=f"{', '.join(STORIES)}; all of the profile unless told"
    )
    asked = options.parse_args()
    plan = load_plan(ROOT / "plan.toml")
    wrong: list[str] = []
    profiles: dict[Profile, tuple[str, ...]] = {"fast": tuple(STORIES), "realistic": REALISTIC}
    for latencies, stories in profiles.items():
        if asked.profile not in {"all", latencies}:
            continue
        print(
            f"\n{latencies} profile, seconds; users are asked every 15 ms, one run each, each on a sandbox of its own"
        )
        print(_HEAD)
        for story in asked.stories or stories:
            found = measure(story, latencies)
            print(_row(found, objective_of(plan, STORIES[story]).max_s), flush=True)
            wrong += _wrong(found, latencies)
    print(_LEGEND)
    for what in wrong:
        print(f"MORE THAN WAS ASKED: {what}")
    return int(bool(wrong))


def _story(text: str) -> str:
    if text not in STORIES:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(STORIES)}, found {text!r}")
    return text


def _row(found: Measured, max_s: float) -> str:
    asked_s = None if found.asked_s is None else found.asked_s - found.commanded_s
    ratio = "-" if found.own_pct is None else f"{found.own_pct:.1f} %"
    return (
        f"{found.story:17} {found.acting_s - found.commanded_s:>6.2f} {_cell(asked_s):>8} {_cell(found.used_s):>5} "
        f"{_cell(found.curl_s):>5} {found.served_s - found.acting_s:>8.2f} {found.provider_s:>8.2f} {found.sources_s:>8.2f} "
        f"{found.own_s:>6.2f} {ratio:>9} {found.confirmed_s - found.served_s:>10.2f} {max_s:>11.0f} s"
    )


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _wrong(found: Measured, latencies: str) -> list[str]:
    wrong: list[str] = []
    if found.asked_s is not None and (took_s := found.asked_s - found.commanded_s) >= FIRST_REQUEST_S_MAX:
        wrong.append(f"{found.story}: {took_s:.2f} s to the first request, asked: below {FIRST_REQUEST_S_MAX:g} s")
    if latencies == "realistic" and found.own_pct is not None and found.own_pct >= OVERHEAD_PCT_MAX:
        wrong.append(f"{found.story}: own overhead {found.own_pct:.1f} %, asked: below {OVERHEAD_PCT_MAX:g} %")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
