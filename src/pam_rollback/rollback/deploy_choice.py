"""Which deploy to go back to: named by a person, or found by one rule; never guessed.

The rule: of what users had before the release that they have now, the one they had last. *When* a deploy was brought to users changes each
time it is restored (some providers give it a new moment, others make a new deploy of the old build); so "the one before" done twice would
bring the bad release back. Therefore releases have a place, given by the first deploy of each, and the rule never goes to a later place:

* when a later release than the live one was with users before, somebody went back already: that is an answer, and nothing is to be done;
* unless the incident began after that: then the live release is the bad one, and the rule goes further back;
* when what is live came to users after the incident began, and is not older than what they had then, it cannot be told which of the two is
  bad: the rule refuses and shows the candidates.

A deploy that was named always wins, also over the rule. Deploys of one release are known by their version where versions are known, else by
their commit; a revert makes a new commit, so without versions it is a release of its own, as a rebuild of an unknown commit is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pam_rollback.core.errors import Refused
from pam_rollback.rollback.deploys import LIVE, Deploy, Rules, ServiceHost
from pam_rollback.rollback.release_proof import VersionsOf

_COMMIT = re.compile(r"[0-9a-f]{4,40}")
_SHOWN_MAX = 8


def only_live(rules: Rules, deploys: Sequence[Deploy]) -> Deploy:
    """Give the deploy that users have now. Raises Refused when there is none, or when two say so: then look again a little later."""
    live = [deploy for deploy in deploys if deploy.state == LIVE]
    if len(live) != 1:
        found = ", ".join(map(str, live)) or f"none among {len(deploys)}"
        raise Refused(
            f"{rules.provider}: expected one deploy that is live, found {found}; is the service suspended, or one just being replaced?"
        )
    return live[0]


def live_in(host: ServiceHost, deploys: Sequence[Deploy]) -> Deploy:
    """The same, seen to be live when it is asked for by itself: a list may be old. Raises Refused, or ActionFailed."""
    live = only_live(host.rules, deploys)
    now = host.deploy(live.id)
    if now.state != LIVE:
        raise Refused(
            f"{host.rules.provider} lists {live}, and tells of it alone that it is {now.state}: the list is old, or one is just being "
            "replaced; look again in a moment"
        )
    return live


@dataclass(frozen=True)
class Choice:
    """The deploy to go back to, and why. ``already_there``: users have it now, and nothing is to be done."""

    deploy: Deploy
    why: str
    already_there: bool = False

    def __str__(self) -> str:
        """For the report, before anything is done."""
        return f"{'already there' if self.already_there else 'target'}: {self.deploy}: {self.why}"


@dataclass(frozen=True)
class History:
    """What is known: the deploys in any order, the one that users have now, when the incident began, and versions where they are known."""

    rules: Rules
    deploys: Sequence[Deploy]
    live: Deploy
    incident_began: datetime | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    """By commit or by id of a deploy."""
    versions_problem: str = ""
    """Why versions are not known, or not all of them."""

    def choose(self, to: str = "", versions_of: VersionsOf | None = None) -> Choice:
        """Choose by name (a deploy's id, a version, or the beginning of a commit) or by the rule. Raises Refused with the candidates.

        Versions are looked up only for a name that is neither an id nor of a commit.
        """
        if to and versions_of is not None and not self._is_listed(to):
            found = versions_of(self._all)
            return replace(self, versions={**found.known, **self.versions}, versions_problem=found.problem).choose(to)
        return self._named(to) if to else self._by_rule()

    def _is_listed(self, to: str) -> bool:
        commits = [deploy.commit for deploy in self._all if _COMMIT.fullmatch(to)]
        return any(deploy.id == to for deploy in self._all) or any(commit.startswith(to) for commit in commits)

    # ---------------------------------------------------------------- by name

    def _named(self, to: str) -> Choice:
        by_id = [deploy for deploy in self._all if deploy.id == to]
        if by_id:
            return self._taken(by_id[0], f"named by its id {to}")
        commits = {deploy.commit for deploy in self._all if _COMMIT.fullmatch(to) and deploy.commit.startswith(to)}
        versions = {deploy.id for deploy in self._all if self._version(deploy) == to}
        found = [deploy for deploy in self._all if deploy.id in versions or deploy.commit in commits - {""}]
        if not found:
            which = "this id or version" if self.versions else "this id"
            known = "" if self.versions else "; versions are not known here"
            why = f" ({self.versions_problem})" if self.versions_problem else ""
            raise self._refused(
                f"--to {to}: no deploy of {self.rules.provider} has {which}, or a commit that begins so{known}{why}"
            )
        releases = {self._release(deploy) for deploy in found}
        if len(releases) > 1:
            raise self._refused(
                f"--to {to}: {len(releases)} releases fit it: {', '.join(sorted(map(_short, releases)))}"
            )
        if self.live in found:
            return Choice(self.live, f"users have {to} now", already_there=True)
        good = [deploy for deploy in found if not self.rules.why_not(deploy)]
        if not good:
            raise self._refused(f"--to {to}: {found[0].id} cannot be brought back: {self.rules.why_not(found[0])}")
        return self._taken(
            max(good, key=lambda deploy: (self.rules.was_live(deploy), _when(deploy))), f"the last deploy of {to}"
        )

    def _taken(self, deploy: Deploy, why: str) -> Choice:
        # An earlier build runs as a new deploy: that one has another id.
        same_build = self.live.trigger == "rollback" and bool(deploy.commit) and deploy.commit == self.live.commit
        if deploy.id == self.live.id or same_build:
            return Choice(self.live, f"{why}; users have it now", already_there=True)
        if problem := self.rules.why_not(deploy):
            raise self._refused(f"--to {deploy.id}: it cannot be brought back: {problem}")
        return Choice(deploy, why)

    # ---------------------------------------------------------------- by the rule

    def _by_rule(self) -> Choice:
        if all(deploy.id != self.live.id for deploy in self.deploys):
            raise self._refused(
                f"the list of {len(self.deploys)} deploys does not hold {self.live}, which users have: it is old, or not whole; look again"
            )
        live_place = self._place(self.live)
        later = [deploy for deploy in self._were_live if self._place(deploy) > live_place]
        began = self.incident_began
        since = self.live.finished_at
        if began is not None and since is None:
            raise self._refused(
                f"it is not told since when users have {self.live}, so what they had when the incident began is not known"
            )
        if later and (began is None or (since is not None and since >= began)):
            replaced = max(later, key=self._place)
            why = f"users had the later {replaced.id} before, so it was gone back already; to go further back, name a deploy with --to"
            return Choice(self.live, why, already_there=True)
        if began is not None and since is not None and since > began:
            raise self._refused(
                f"users have {self.live} since {_clock(since)}, after the incident began ({_clock(began)}), and it is no earlier "
                "release: it cannot be told whether it or the one before it is bad"
            )
        return self._last_before(live_place)

    def _last_before(self, live_place: datetime) -> Choice:
        before = [deploy for deploy in self._were_live if self._place(deploy) < live_place]
        candidates = [deploy for deploy in before if not self.rules.why_not(deploy)]
        if not candidates:
            raise self._refused(f"no deploy that users had before {self.live} can be brought back")
        chosen = max(candidates, key=_when)
        ties = {self._release(deploy) for deploy in candidates if _moment(deploy) == _moment(chosen)}
        if len(ties) > 1:
            raise self._refused(f"users got {len(ties)} releases at the same moment ({_clock(_moment(chosen))})")
        why = f"the last one that users had (from {_clock(_moment(chosen))}) before {self.live.id}, which they have now"
        gone = [
            f"{deploy.id} cannot be brought back: {self.rules.why_not(deploy)}"
            for deploy in before
            if _when(deploy) > _when(chosen)
        ]
        return Choice(chosen, "; ".join([why, *gone]))

    # ---------------------------------------------------------------- what the words mean

    @property
    def _all(self) -> Sequence[Deploy]:
        """Each deploy once; the live one as it was told by itself."""
        return tuple({deploy.id: deploy for deploy in (*self.deploys, self.live)}.values())

    @property
    def _were_live(self) -> Sequence[Deploy]:
        return [
            deploy
            for deploy in self._all
            if self.rules.was_live(deploy)
            and deploy.context in {"", self.rules.context}
            and self._release(deploy) != self._release(self.live)
        ]

    def _version(self, deploy: Deploy) -> str:
        return self.versions.get(deploy.commit) or self.versions.get(deploy.id, "")

    def _release(self, deploy: Deploy) -> str:
        return self._version(deploy) or deploy.commit or deploy.id

    def _place(self, deploy: Deploy) -> datetime:
        """When the first deploy of its release was made."""
        release = self._release(deploy)
        return min(self._made(each) for each in self._all if self._release(each) == release and self._counts(each))

    def _counts(self, deploy: Deploy) -> bool:
        """A preview or a failed build gives a release no place."""
        return deploy.id == self.live.id or (self.rules.was_live(deploy) and deploy.context in {"", self.rules.context})

    def _made(self, deploy: Deploy) -> datetime:
        if deploy.created_at is None:
            raise self._refused(f"it is not told when {deploy} was made, so the deploys have no order")
        return deploy.created_at

    def _refused(self, why: str) -> Refused:
        restorable = [deploy for deploy in self._were_live if not self.rules.why_not(deploy)]
        shown = sorted(restorable, key=_when, reverse=True)
        listed = "".join(f"\n  --to {deploy.id}   {self._described(deploy)}" for deploy in shown[:_SHOWN_MAX])
        more = f"\n  … and {len(shown) - _SHOWN_MAX} earlier ones" if len(shown) > _SHOWN_MAX else ""
        what = f"candidates, the latest first:{listed}{more}" if shown else "no deploy is a candidate"
        return Refused(
            f"{self.rules.provider}: the deploy to go back to is not known: {why}. Name it with --to; {what}"
        )

    def _described(self, deploy: Deploy) -> str:
        version = self._version(deploy)
        return f"{f'{version}, ' if version else ''}commit {_short(deploy.commit) or 'unknown'}, with users from {_clock(_moment(deploy))}"


def _when(deploy: Deploy) -> datetime:
    return _moment(deploy) or datetime.min.replace(tzinfo=UTC)


def _moment(deploy: Deploy) -> datetime | None:
    """When it came to users; when it was made, where that is not told."""
    return deploy.finished_at or deploy.created_at


def _clock(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "an unknown moment"


def _short(release: str) -> str:
    return release[:12] if re.fullmatch(r"[0-9a-f]{40}", release) else release
