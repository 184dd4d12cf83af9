"""The material that lies outside of a run's folder: providers, metrics, logs, history, flags.

Each source is asked by itself: one that is silent, or that the environment does not have, is named with its reason and keeps nobody else
from telling.
"""

import csv
import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, get_args

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.hosts import HostedSite
from pam_rollback.outside.http import all_at_once
from pam_rollback.outside.postgres import Patience, open_snapshot
from pam_rollback.postmortem.rules.facts import Collected
from pam_rollback.product.client.flag_service import flag_admin_of
from pam_rollback.records.client import prometheus
from pam_rollback.records.client.prometheus import PrometheusApi
from pam_rollback.report.redaction import Redactor
from pam_rollback.rollback.client.git import open_repository
from pam_rollback.rollback.client.git_command import GitCommand
from pam_rollback.rollback.rules.deploys import ServiceHost, SiteHost
from pam_rollback.rollback.service import host_records
from pam_rollback.rollback.service.provider_access import api_host, site_host
from pam_rollback.stats.series import Quantity, Source

SOURCES_FILE = "sources.json"
_DEADLINE_S = 5.0
_GIT_WITHIN_S = 20.0
_FLAG_HISTORY = """
SELECT changed_at::text, initiated_by, action, coalesce(reason, ''), before::text, after::text
FROM flag_history WHERE changed_at BETWEEN %(since)s AND %(until)s ORDER BY id
"""


class NotThere(Exception):  # noqa: N818 - named by what happened
    """The environment has no such source."""


@dataclass(frozen=True)
class Asked:
    """The time that the material is about, and the two releases, where they are known."""

    since: datetime
    until: datetime
    bad_commit: str = ""
    target_commit: str = ""
    bad_site_deploy: str = ""
    """A deploy of the front end, where only that tells the commit."""


Texts = Mapping[str, str]
"""File names, and what is in them."""


def collect(environment: Environment, asked: Asked, folder: Path, redactor: Redactor) -> tuple[Collected, ...]:
    """Ask every source at once and write what they tell, without secrets; ``sources.json`` says what came of each."""
    calls: dict[str, Callable[[], Texts]] = {
        "configuration": lambda: _configuration(environment),
        "flags now": lambda: _flags(environment),
        "flag history": lambda: _flag_history(environment, asked),
        **{
            f"deploys of the {site} ({_name_of(site, environment)})": partial(_host, site, environment, asked)
            for site in get_args(HostedSite)
        },
        "difference between the releases": lambda: _difference(environment, asked),
        "metrics (Prometheus)": lambda: _prometheus(environment, asked),
        "metrics (the host)": lambda: _host_metrics(environment, asked),
        "logs of the release": lambda: _logs(environment, asked),
    }
    told = all_at_once({name: _guarded(call) for name, call in calls.items()})
    found = tuple(_written(name, answer, folder, redactor) for name, answer in told.items())
    text = json.dumps(
        {"collected_at": datetime.now(UTC).isoformat(), "sources": [asdict(one) for one in found]}, indent=2
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SOURCES_FILE).write_text(redactor.text(text) + "\n", encoding="utf-8")
    return found


def collected_before(folder: Path) -> tuple[Collected, ...]:
    """What an earlier collection in that folder says of its sources; nothing where there was none, or half of one."""
    try:
        told = json.loads((folder / SOURCES_FILE).read_text(encoding="utf-8"))["sources"]
        return tuple(Collected(one["name"], tuple(one["files"]), one["problem"]) for one in told)
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _guarded(call: Callable[[], Texts]) -> Callable[[], Texts | str]:
    def answer() -> Texts | str:
        try:
            return call()
        except (NotThere, ActionFailed, MeasurementFailed) as problem:
            return str(problem)
        except Exception as problem:  # noqa: BLE001 - whatever keeps one source from telling must not keep the others
            return f"{type(problem).__name__}: {problem}"

    return answer


def _written(name: str, answer: Texts | str, folder: Path, redactor: Redactor) -> Collected:
    if isinstance(answer, str):
        return Collected(name, (), redactor.text(answer))
    for file, text in answer.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(redactor.text(text.rstrip("\n") + "\n"), encoding="utf-8")
        redactor.file(path)
    return Collected(name, tuple(answer), "" if answer else "it told nothing of that time")


def _configuration(environment: Environment) -> Texts:
    """As it counts: merged, and with the names of secrets only. The sandbox's own table is a secret as a whole."""
    shown = environment.model_dump(mode="json", exclude={"sandbox"}, by_alias=True)
    return {"configuration/environment.json": _json(shown)}


def _flags(environment: Environment) -> Texts:
    _declared(environment, "flag_admin")
    api = flag_admin_of(environment, deadline_s=_DEADLINE_S)
    return {"configuration/flags-now.json": _json({name: str(flag) for name, flag in api.read_flags().items()})}


def _flag_history(environment: Environment, asked: Asked) -> Texts:
    _declared(environment, "database")
    patience = Patience()
    with open_snapshot(environment.secret("database_dsn"), patience, connections=1) as snapshot:
        if snapshot.row("SELECT to_regclass('flag_history') IS NULL")[0]:
            raise NotThere("the database has no table flag_history")
        rows = snapshot.rows(_FLAG_HISTORY, {"since": asked.since, "until": asked.until})
    head = ("changed_at", "initiated_by", "action", "reason", "before", "after")
    return {"configuration/flag-history.csv": _csv([head, *rows])}


def _host(site: HostedSite, environment: Environment, asked: Asked) -> Texts:
    host = _host_of(site, environment)
    name = _name_of(site, environment)
    found: dict[str, object] = {
        "deploys": [asdict(deploy) for deploy in host.deploys()],
        **host.told_since(asked.since),
    }
    return {f"providers/{name}-{what}.json": _json(data) for what, data in found.items()}


def _host_of(site: HostedSite, environment: Environment) -> SiteHost | ServiceHost:
    _declared(environment, f"{site}_host")
    ask: Callable[..., SiteHost | ServiceHost] = site_host if site == "frontend" else api_host
    return ask(environment, Waiter(), once_s=_DEADLINE_S)


def _name_of(site: HostedSite, environment: Environment) -> str:
    named = environment.host_of(site)
    return named.provider if named is not None else f"{site}-host"


def _difference(environment: Environment, asked: Asked) -> Texts:
    if environment.git is None or "git" not in environment.abilities:
        raise NotThere(f"{environment.name} declares no git")
    bad = asked.bad_commit or (
        asked.bad_site_deploy and _host_of("frontend", environment).deploy(asked.bad_site_deploy).commit
    )
    if not bad:
        why = "which commit was bad is not in the journal" if asked.target_commit else "this run took back no code"
        raise NotThere(why)
    token = environment.secret("git_token") if environment.has_secret("git_token") else ""
    with open_repository(GitCommand(environment.git.remote, token, _GIT_WITHIN_S)) as repository:
        # A revert goes back to no commit that was there before: what it took back is what there is to show.
        target = asked.target_commit
        found = repository.difference(target, bad) if target else repository.brought_by(bad)
    return {"git/log.txt": found.log, "git/stat.txt": found.stat, "git/difference.diff": found.diff}


def _prometheus(environment: Environment, asked: Asked) -> Texts:
    settings = environment.prometheus
    if settings is None or "prometheus" not in environment.abilities:
        raise NotThere(f"{environment.name} declares no prometheus")
    token = environment.secret("prometheus_token") if environment.has_secret("prometheus_token") else ""
    api = PrometheusApi(settings.url, token=token, deadline_s=_DEADLINE_S)
    return _series(dict(prometheus.sources(api, settings)), asked, "prometheus")


def _host_metrics(environment: Environment, asked: Asked) -> Texts:
    _declared(environment, host_records.ABILITY)
    return _series(host_records.host_records(environment).sources, asked, _name_of("backend", environment))


def _series(sources: Mapping[Quantity, Source], asked: Asked, name: str) -> Texts:
    """One file a quantity; a moment that is not known says why. Raises MeasurementFailed when none of them told anything."""
    ahead_s = time.time() - time.monotonic()
    since_s, until_s = asked.since.timestamp() - ahead_s, asked.until.timestamp() - ahead_s
    files, problems = {}, []
    for quantity, source in sources.items():
        try:
            series = source.read(since_s, until_s)
        except MeasurementFailed as problem:
            problems.append(str(problem))
            continue
        rows = [
            (
                datetime.fromtimestamp(point.at_s + ahead_s, UTC).isoformat(),
                "" if point.value is None else point.value,
                point.why,
            )
            for point in series.points
        ]
        files[f"metrics/{name}-{quantity.value}.csv"] = _csv([("at", quantity.value, "why_unknown"), *rows])
    if problems and not files:
        raise MeasurementFailed("; ".join(dict.fromkeys(problems)))
    if problems:
        files[f"metrics/{name}-not-told.txt"] = "\n".join(problems)
    return files


def _logs(environment: Environment, asked: Asked) -> Texts:
    if "backend_host" not in environment.abilities:
        raise NotThere(f"{environment.name} declares no backend_host: read the logs where the back end runs")
    logs = api_host(environment, Waiter(), once_s=_DEADLINE_S).logs(asked.since, asked.until)
    cut = ["… more lines than were fetched: read them where the back end runs"] if logs.more else []
    return {"logs/backend.log": "\n".join([*logs.lines, *cut])} if logs.lines else {}


def _declared(environment: Environment, ability: str) -> None:
    if ability not in environment.abilities:
        raise NotThere(f"{environment.name} declares no {ability}")


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, default=str, ensure_ascii=False)


def _csv(rows: list[tuple[Any, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
