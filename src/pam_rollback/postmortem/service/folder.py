"""The folder of an incident: what is collected, what is copied from the run, the merged timeline and the draft; no secret in any of it."""

import csv
import math
import os
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pam_rollback.base.configuration import ConfigurationError
from pam_rollback.base.run_files import JOURNAL
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.plan.plan import Plan, load_plan
from pam_rollback.postmortem.client.sources import Asked, collect, collected_before
from pam_rollback.postmortem.rules.draft import checks_page, draft, timeline_page, utc
from pam_rollback.postmortem.rules.facts import Collected, Facts
from pam_rollback.postmortem.rules.timeline import Event, SecondSeen
from pam_rollback.postmortem.service.incident import Incident
from pam_rollback.postmortem.service.run import read_run
from pam_rollback.report.redaction import Redactor, scan

LEVELS = 3
"""So many labels fit below each other."""
_NEAR = 0.015
"""Of the whole width: a label of this size is as wide."""
_SHOWN_EVENTS = ("decided", "NOT DONE", "every step is done", "planting")


def plot(seconds: Sequence[SecondSeen], events: Sequence[Event], file: Path, *, title: str) -> None:
    """Write a PNG. At least one second has to be there."""
    # Loaded here: nothing else of a session needs it, and it takes its time.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415

    figure = Figure(figsize=(12, 6), layout="constrained")
    FigureCanvasAgg(figure)
    errors, speed = figure.subplots(2, 1, sharex=True)
    times = [second.at.timestamp() for second in seconds]
    errors.step(times, [100 * second.bad / second.n for second in seconds], where="post", color="#b3261e")
    errors.set_ylabel("bad answers, %")
    errors.set_ylim(0, 105)
    speed.plot(times, [math.nan if second.p95_ms is None else second.p95_ms for second in seconds], color="#1f4e79")
    speed.set_ylabel("p95 of a second, ms")
    speed.set_ylim(bottom=0)
    shown = [event for event in events if event.what.startswith(_SHOWN_EVENTS)]
    moments = [event.at.timestamp() for event in shown]
    for event, at, level in zip(shown, moments, levels(moments, times), strict=True):
        errors.axvline(at, color="#555555", linewidth=0.8)
        speed.axvline(at, color="#555555", linewidth=0.8)
        label = event.what.partition(":")[0][:20]
        top = 100 * (1 - level / LEVELS)
        errors.annotate(label, (at, top), rotation=90, fontsize=7, va="top", ha="right")
    speed.xaxis.set_major_formatter(FuncFormatter(_clock))
    speed.set_xlabel("UTC")
    errors.set_title(title)
    figure.savefig(file, dpi=110)


def levels(moments: Sequence[float], times: Sequence[float]) -> list[int]:
    """How far down the label of each moment (seconds, in order) stands, so that those of close ones are beside each other, not over."""
    shown = [*moments, *times]
    near_s = (max(shown) - min(shown)) * _NEAR if shown else 0.0
    found: list[int] = []
    for number, at in enumerate(moments):
        crowded = number > 0 and at - moments[number - 1] < near_s
        found.append((found[-1] + 1) % LEVELS if crowded else 0)
    return found


def _clock(moment: float, _: object) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S}"


MATERIAL = "incident-material"
"""The folder of a run into which its end collects."""
_COPIED = ("run.json", JOURNAL)


@dataclass(frozen=True)
class Known:
    """The environment, if it can be used, and the secrets that are known of it."""

    environment: Environment | None
    problem: str
    secrets: Mapping[str, str]
    plan: Plan | None = None
    """None when there is none that can be used: then the draft names no dates."""


def known_environment(name: str, root: Path) -> Known:
    """The environment as it can be loaded here, or why not; its secrets in any case: what is written must not hold them."""
    if not name:
        return Known(None, "the run does not say which environment it was about: name it with ENV", {})
    try:
        environment = load_environment(name, root / "environments", os.environ)
    except ConfigurationError as problem:
        return Known(None, " ".join(str(problem).split()), _secrets_of_file(name, root))
    if environment.is_template:
        why = "its sandbox ended with the session; name the file of one that still runs with ENV"
        return Known(None, why, {})
    return Known(environment, "", _named_secrets(environment))


def known_plan(root: Path) -> Plan | None:
    """The plan of this project, if it can be used."""
    with suppress(ConfigurationError):
        return load_plan(root / "plan.toml")
    return None


def write(incident: Incident, known: Known, place: Path) -> list[str]:
    """Write one incident's folder; gives what to tell."""
    place.mkdir(parents=True, exist_ok=True)
    redactor = Redactor(known.secrets)
    collected = [*_material(incident, known, place, redactor), *_copied(incident, place)]
    facts = incident.facts(place, collected)
    collected += _timeline(incident, facts, place)
    (place / "checks.md").write_text(checks_page(facts.results), encoding="utf-8")
    collected.append(Collected("checks", ("checks.md",)))
    page = draft(incident.facts(place, collected, known.plan))
    (place / "post-mortem.md").write_text(page, encoding="utf-8")
    for path in sorted(place.rglob("*")):
        if path.is_file():
            redactor.file(path)
    left = scan(place, known.secrets)
    for path in left:
        path.unlink()
    missing = [source for source in collected if source.problem]
    return [
        f"incident    {place / 'post-mortem.md'}",
        *(f"  missing   {source.name}: {redactor.text(source.problem)}" for source in missing),
        *(f"  removed   {path.relative_to(place)}: it held a secret that could not be taken out" for path in left),
    ]


def collect_at_the_end(folder: Path, environment: Environment) -> None:
    """Ask for what does not stay, as soon as a real run is over. Never raises: the run's verdict does not depend on it."""
    try:
        run = read_run(folder, slow_ms=environment.probing.slow_ms)
        incident = Incident(run, run.situations[0])
        collect(environment, _asked(incident), folder / MATERIAL, Redactor(_named_secrets(environment)))
    except Exception as problem:  # noqa: BLE001 - whatever it is, the rollback was done and judged already
        with suppress(OSError):
            (folder / f"{MATERIAL}.failed").write_text(f"{type(problem).__name__}\n", encoding="utf-8")


def _named_secrets(environment: Environment) -> dict[str, str]:
    return {f"secret-{number}": value for number, value in enumerate(environment.secrets(), 1)}


def _secrets_of_file(name: str, root: Path) -> dict[str, str]:
    """The values of the variables that the file names, although the file as a whole cannot be used."""
    path = Path(name) if name.endswith(".toml") else root / "environments" / f"{name}.toml"
    try:
        named = tomllib.loads(path.read_text(encoding="utf-8")).get("secrets", {})
    except (OSError, ValueError):
        return {}
    return {str(variable): os.environ[str(variable)] for variable in named.values() if os.environ.get(str(variable))}


def _asked(incident: Incident) -> Asked:
    since, until = incident.surroundings()
    bad, target, deploy = incident.commits()
    return Asked(since, until, bad_commit=bad, target_commit=target, bad_site_deploy=deploy)


def _material(incident: Incident, known: Known, place: Path, redactor: Redactor) -> list[Collected]:
    """What was collected at the run's end, and what is asked for now because it was not."""
    before = incident.run.folder / MATERIAL
    kept = collected_before(before)
    if kept:
        shutil.copytree(before, place, dirs_exist_ok=True)
    wanted = [source for source in kept if not source.files]
    if kept and not wanted:
        return list(kept)
    environment, problem = known.environment, known.problem
    if environment is not None and incident.run.api and environment.urls.api != incident.run.api:
        environment = None
        problem = f"the run changed {incident.run.api}, and that address is not this environment's: name the right one with ENV"
    if environment is None:
        return [*kept] or [Collected("providers, metrics, logs, history and flags", (), problem)]
    good = {source.name: source for source in kept if source.files}
    now = {source.name: source for source in collect(environment, _asked(incident), place, redactor)}
    if kept:  # what was told at the time goes before what is told now
        shutil.copytree(before, place, dirs_exist_ok=True)
    return list({**now, **good}.values())


def _copied(incident: Incident, place: Path) -> list[Collected]:
    """The run's own records, beside what was made of them."""
    folder, watched = incident.run.folder, incident.watched
    names = [*_COPIED, *([watched.source] if watched else [])]
    names += [str(path.relative_to(folder)) for path in sorted((folder / incident.situation).glob("*-before.json"))]
    found = [name for name in names if (folder / name).is_file() and "rows" not in name]
    for name in found:
        copy = place / "run" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, copy)
    missing = [name for name in _COPIED if name not in found]
    problem = f"{', '.join(missing)} is not there: the run ended before" if missing else ""
    listed = [Collected("the run's own records", tuple(f"run/{name}" for name in found), problem)]
    if watched is None:
        listed.append(Collected("answers to users", (), "the prober of this run recorded nothing that is left"))
    return listed


def _timeline(incident: Incident, facts: Facts, place: Path) -> list[Collected]:
    seconds = incident.seconds()
    rows = [(utc(event.at), event.kind, event.what, event.source, "", "", "") for event in facts.events]
    source = incident.watched.source if incident.watched else ""
    rows += [
        (
            utc(second.at),
            "probes",
            f"release {', '.join(second.releases) or 'not named'}",
            source,
            str(second.n),
            str(second.bad),
            "" if second.p95_ms is None else f"{second.p95_ms:.1f}",
        )
        for second in seconds
    ]
    with (place / "timeline.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("at_utc", "who", "what", "source", "answers", "bad", "p95_ms"))
        writer.writerows(sorted(rows))
    (place / "timeline.md").write_text(timeline_page(facts.events), encoding="utf-8")
    files = ["timeline.md", "timeline.csv"]
    if not seconds:
        return [Collected("timeline", tuple(files), "no plot: nobody's answers were recorded")]
    plot(seconds, facts.events, place / "timeline.png", title=f"{facts.environment}, run {facts.run}")
    return [Collected("timeline", (*files, "timeline.png"))]
