"""Which release answers, where no answer names one: what differs between releases, the age of the process, and the host's word.

What a fingerprint tells is known only as far as it was seen before: in a baseline, or when the session began. Strong is what was seen in an
answer to users; the word of the host is weak, because it is what a rollback is to be checked against (audit C12).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pam_rollback.product.served_release import WEAK, Evidence, ReleaseProof, Says
from pam_rollback.rollback.deploys import LIVE, Deploy
from pam_rollback.rollback.named_versions import Sighting, could_answer, seen_versions

_CLOCKS_APART = timedelta(seconds=5)
"""What our clock and the host's may differ by."""
_WHOLE_SECONDS = timedelta(seconds=1)
"""What an age that is told in whole seconds, and travels for a moment, may be wrong by."""
_STARTS_WITHIN = timedelta(minutes=5)
"""For so long after a host calls a deploy live, the start of a process is that deploy's."""


@dataclass(frozen=True)
class MarksSeen:
    """What the back end's answers were like at a moment. A mark that did not answer is in ``problems``, with the reason."""

    at: datetime
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """By what they are of, such as ``/openapi.json``."""
    started_at: datetime | None = None
    """When the process started that answers; None where nothing tells."""
    problems: Mapping[str, str] = field(default_factory=dict)
    settled: timedelta = timedelta(minutes=1)
    """For so long a deploy must have been with users by then, to be the one that was seen."""

    @property
    def problem(self) -> str:
        """Why nothing answered at all; empty when something did, or nothing was asked."""
        if self.fingerprints or self.started_at is not None:
            return ""
        return "; ".join(f"{what}: {why}" for what, why in self.problems.items())


def prove(commit: str, deploys: Sequence[Deploy], now: MarksSeen, before: Iterable[MarksSeen]) -> ReleaseProof:
    """Hold what answers now against the deploy of a commit, by all that was seen before."""
    before = tuple(before)
    target = next((deploy for deploy in deploys if deploy.state == LIVE and commit and deploy.commit == commit), None)
    process = _process(now, target)
    is_new = any(one.says is Says.TARGET for one in process)
    known = sorted({name for seen in (now, *before) for name in seen.fingerprints})
    fingerprints = [
        _fingerprint(_Compared.of(name, commit, deploys, now, before), process_is_new=is_new) for name in known
    ]
    unread = [Evidence(name, Says.NOTHING, why) for name, why in now.problems.items() if name not in known]
    return ReleaseProof((_host(commit, deploys, target), *process, *fingerprints, *unread))


def _host(commit: str, deploys: Sequence[Deploy], target: Deploy | None) -> Evidence:
    if target is not None:
        since = f" since {_shown(target.finished_at)}" if target.finished_at is not None else ""
        return Evidence("the host", Says.TARGET, f"{target} is live{since}", WEAK)
    live = next((deploy for deploy in deploys if deploy.state == LIVE), None)
    found = f"live is {live}" if live is not None else "no deploy is live"
    return Evidence("the host", Says.OTHER, f"{found}, expected one of commit {commit[:12]}", WEAK)


def _process(now: MarksSeen, target: Deploy | None) -> tuple[Evidence, ...]:
    """A process that is older than the deploy is that of another one, whatever else it looks like."""
    if now.started_at is None or target is None or target.created_at is None:
        return ()
    by, started = "the process that answers", f"it started at {_shown(now.started_at)}"
    if now.started_at < target.created_at - _CLOCKS_APART:
        asked = f"before {target.id} was asked for at {_shown(target.created_at)}: another deploy still answers"
        return (Evidence(by, Says.OTHER, f"{started}, {asked}"),)
    if now.started_at < target.created_at - _WHOLE_SECONDS:
        about = f"about when {target.id} was asked for: the clocks of host and product do not tell which came first"
        return (Evidence(by, Says.NOTHING, f"{started}, {about}"),)
    if target.finished_at is not None and now.started_at <= target.finished_at + _STARTS_WITHIN:
        return (Evidence(by, Says.TARGET, f"{started}, as {target.id} was brought to users"),)
    later = f"long after {target.id} was brought to users: any release may have been started again"
    return (Evidence(by, Says.NOTHING, f"{started}, {later}"),)


@dataclass(frozen=True)
class _Compared:
    """One fingerprint of now beside those that were seen before."""

    name: str
    found: str
    own: str
    """The target's; empty where it was not seen."""
    others: Sequence[Deploy]
    same: Deploy | None
    """Another deploy that could answer, and has the same."""
    unseen: Deploy | None
    """Another deploy that could answer, whose fingerprint was never seen."""
    problem: str

    @classmethod
    def of(
        cls, name: str, commit: str, deploys: Sequence[Deploy], now: MarksSeen, before: Iterable[MarksSeen]
    ) -> "_Compared":
        seen = seen_versions(deploys, (Sighting(one.at, one.fingerprints.get(name, ""), one.settled) for one in before))
        found, others = now.fingerprints.get(name, ""), could_answer(commit, deploys)
        values = [(deploy, seen.get(deploy.commit or deploy.id, "")) for deploy in others]
        return cls(
            name,
            found,
            seen.get(commit, ""),
            others,
            same=next((deploy for deploy, value in values if value == found), None),
            unseen=next((deploy for deploy, value in values if not value), None),
            problem=now.problems.get(name, "it was not answered"),
        )


def _fingerprint(it: _Compared, *, process_is_new: bool) -> Evidence:
    if not it.found:
        return Evidence(it.name, Says.NOTHING, it.problem)
    says, why = _compared(it, process_is_new=process_is_new)
    return Evidence(it.name, says, why)


def _compared(it: _Compared, *, process_is_new: bool) -> tuple[Says, str]:
    """What a fingerprint says. One that the target shares, or may share, tells nothing."""
    if it.own and it.own != it.found:
        whose = f"that of {it.same}" if it.same is not None else "not the one that the target had when it was seen"
        return Says.OTHER, f"it is {whose}"
    if it.same is not None and not it.own and not process_is_new:
        return Says.OTHER, f"it is still that of {it.same}, and nobody saw that the target has the same"
    if it.same is not None:
        return Says.NOTHING, f"these releases cannot be told apart by it: {it.same} has the same"
    if it.unseen is not None or not it.others:
        other = f"that of {it.unseen}" if it.unseen is not None else "another one"
        return Says.NOTHING, f"{other} was not seen, and may be the same"
    if it.own:
        return Says.TARGET, "it is the target's, as it was seen before, and no other deploy that could answer has it"
    return Says.TARGET, f"it is no longer that of {' or '.join(map(str, it.others))}, and no other deploy could answer"


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M:%S} UTC"
