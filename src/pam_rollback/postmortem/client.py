"""The hosts' deploys: asked for at the end of a real run, since hosts forget them, and kept in its folder."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.environment import Environment
from pam_rollback.environment.hosts import HostedSite
from pam_rollback.outside.http import all_at_once
from pam_rollback.report.redaction import Redactor
from pam_rollback.rollback.provider_access import api_host, site_host

DEPLOYS_FILE = "deploys.json"
_DEADLINE_S = 5.0
Kept = Mapping[str, Sequence[Mapping[str, Any]] | str]
"""By host, what it remembers; or why it told nothing."""


def keep_deploys(environment: Environment, file: Path) -> None:
    """Ask each host at once and write what it tells, without secrets. Raises OSError."""
    calls = {
        named.provider: _asking(site, environment)
        for site in get_args(HostedSite)
        if f"{site}_host" in environment.abilities and (named := environment.host_of(site)) is not None
    }
    text = json.dumps(all_at_once(calls) if calls else {}, indent=2, default=str, ensure_ascii=False)
    file.write_text(f"{Redactor(environment.secrets()).text(text)}\n", encoding="utf-8")


def deploys_kept(file: Path) -> Kept:
    """What was kept; a file that is not there, or half written, says so."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {str(host): told if isinstance(told, str) else [*told] for host, told in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {"hosts": "their deploys were not kept at the end of this run"}


def _asking(site: HostedSite, environment: Environment) -> Callable[[], list[dict[str, Any]] | str]:
    def answer() -> list[dict[str, Any]] | str:
        try:
            ask = site_host if site == "frontend" else api_host
            return [asdict(deploy) for deploy in ask(environment, Waiter(), once_s=_DEADLINE_S).deploys()]
        except (ActionFailed, MeasurementFailed) as problem:
            return str(problem)
        except Exception as problem:  # noqa: BLE001 - whatever keeps one host from telling must not keep the other
            return f"{type(problem).__name__}: {problem}"

    return answer
