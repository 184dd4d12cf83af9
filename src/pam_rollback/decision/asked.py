"""What preflight asks of an environment, all of it side by side, and what the answers say of each way."""

import socket
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pam_rollback.core.errors import ActionFailed
from pam_rollback.core.question import Answered, Call, Question, State, one
from pam_rollback.decision.ways import NOT_CHECKED, Readiness, readiness_of, way_back, ways_of, without_each
from pam_rollback.http.client import all_at_once
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import WriteLossLimit
from pam_rollback.plan.stories import STORIES
from pam_rollback.probe.blocked import blocked_hosts, host_of
from pam_rollback.report.record_parts import StandingAlone, WayFound
from pam_rollback.target.environment import Environment


def host_in(address: str) -> str:
    """The host of ``https://…``, ``ssh://…`` or ``git@host:path``; empty for a folder."""
    if "://" in address:
        return urlsplit(address).hostname or ""
    before, colon, _ = address.partition(":")
    return before.rpartition("@")[2] if colon and "/" not in before else ""


def names_resolved(hosts: Iterable[str], *, deadline_s: float) -> str:
    """Every one of these hosts that is a name is resolved. Raises ActionFailed with those that are not, and why."""
    names = sorted({host for host in hosts if _is_name(host)})
    if not names:
        return "no name is needed"
    problems: dict[str, str] = {}
    # Daemons: a resolver that hangs cannot be interrupted, and must not keep the session from ending.
    threads = {
        name: threading.Thread(target=_resolve, args=(name, problems), daemon=True, name=f"resolve {name}")
        for name in names
    }
    for thread in threads.values():
        thread.start()
    for name, thread in threads.items():
        thread.join(deadline_s)
        if thread.is_alive():
            problems.setdefault(name, f"no answer within {deadline_s:g} s")
    if problems:
        told = "; ".join(f"{name}: {problem}" for name, problem in sorted(problems.items()))
        raise ActionFailed(f"names are not resolved here ({told}); mend the resolver, or go on from another machine")
    return f"{len(names)} names are resolved"


def _resolve(name: str, problems: dict[str, str]) -> None:
    try:
        socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
    except OSError as error:
        problems[name] = error.strerror or str(error)


def _is_name(host: str) -> bool:
    """Whether it has to be resolved: it is neither empty nor an address."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return False
    # In the hosts file of every machine; what is below it is up to the resolver (RFC 6761).
    return host not in {"", "localhost"}


_BACKUP = "backup"


NAMES = Question("every name that a rollback needs is resolved here", ("names",))


@dataclass(frozen=True)
class Preflight:
    """What is asked of an environment, and what that says."""

    environment: Environment
    plan: Plan
    calls: Sequence[Call]

    @property
    def questions(self) -> list[Question]:
        """All of them, whether the environment declares what they are about or not."""
        return [*(question for call in self.calls for question in call.questions), NAMES]

    @property
    def _declared(self) -> list[Call]:
        abilities = {"", *self.environment.abilities}
        return [call for call in self.calls if all(question.ability in abilities for question in call.questions)]

    def answers(self, *, observed: Sequence[str] = ()) -> list[Answered]:
        """Every question that the environment's abilities allow, asked side by side. ``observed``: what people saw (``--observed``)."""
        environment = self.environment
        hosts = [host_in(environment.urls.api), *(host_in(call.address) for call in self._declared)]
        names = one(NAMES, lambda: names_resolved(hosts, deadline_s=environment.probing.request_deadline_s))
        found = all_at_once({str(number): call.ask for number, call in enumerate([*self._declared, names])})
        answers = [answer for group in found.values() for answer in group]
        blocked = blocked_hosts(environment, observed).get(host_of(environment.urls.api), "")
        if not blocked:
            return answers
        # Whoever is refused everything hears a closed door behind every question, and an open one behind none.
        of_the_api = {question.text for question in self.questions if question.of_the_api}
        return [
            Answered(answer.question, State.NOT_KNOWN, blocked) if answer.question in of_the_api else answer
            for answer in answers
        ]

    def readiness(self, answers: Sequence[Answered], *, acked: Sequence[str] = ()) -> dict[str, Readiness]:
        """By strategy, in the plan's order; then by what several of them stand on, and whether there is any way back at all.

        ``acked``: what people say (``--ack``) of the backup that nothing measures.
        """
        environment = self.environment
        found = readiness_of(self.questions, answers, environment=environment.name, abilities=environment.abilities)
        strategies = [one.name for one in self.plan.strategies.values() if one.name in found]
        said = "; ".join(
            text.partition("=")[2] for text in acked if text.startswith(f"{self.plan.the(WriteLossLimit).id}=")
        )
        if said and found[_BACKUP].state == NOT_CHECKED:
            own = (Answered(one.question, State.YES, said) for one in found[_BACKUP].answers)
            found[_BACKUP] = Readiness(_BACKUP, tuple(own))
        back = way_back(self.ways(answers))
        return {**{name: found[name] for name in (*strategies, *found)}, back.name: back}

    def ways(self, answers: Sequence[Answered]) -> tuple[WayFound, ...]:
        """Each way of rolling back, on whom it stands, and whether it is there."""
        environment = self.environment
        called = {call.questions[0].party: call.called for call in self.calls if call.called}
        return ways_of(
            STORIES,
            self.questions,
            answers,
            environment=environment.name,
            abilities=environment.abilities,
            called=called,
        )

    def standing(self, answers: Sequence[Answered]) -> StandingAlone:
        """On whom each way stands, and which ways remain without each of them."""
        ways = self.ways(answers)
        named = [call.called or call.questions[0].party for call in self._declared if _is_name(host_in(call.address))]
        return StandingAlone(ways, without_each(ways, by_name=named))
