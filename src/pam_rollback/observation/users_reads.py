"""What users read, asked once of each part of the product, now: its health says nothing of that."""

from collections.abc import Iterable
from dataclasses import dataclass

from pam_rollback.base.answer import Answer
from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.base.figures import Figures, Sentence
from pam_rollback.environment.environment import Environment
from pam_rollback.observation.blocked import Lookout, refuse_when_blocked, told_of
from pam_rollback.observation.journeys import FOREIGN, Journey, ProbeConfig
from pam_rollback.observation.parts import FRONT_END, HEALTH, SHOWN, series_of
from pam_rollback.observation.probed_journeys import probe_config
from pam_rollback.outside.http import all_at_once, fetch
from pam_rollback.product.accounts import signed_in
from pam_rollback.product.offline import refuse_when_offline
from pam_rollback.product.pam_api import Account, SignInLimited

_AS_A_BROWSER = {"Cache-Control": "", "Pragma": ""}


@dataclass(frozen=True, repr=False)
class UsersReads(Sentence):
    """What was wrong with the read of each part, by the part; empty where nothing was."""

    wrong: dict[str, str]
    not_asked: str = ""
    """Why the other parts were not asked."""

    @property
    def answered(self) -> bool:
        """Every part answered well. Raises MeasurementFailed where one was not asked and no other one is bad."""
        if any(self.wrong.values()):
            return False
        if self.not_asked or not self.wrong:
            raise MeasurementFailed(self.not_asked or "nothing that users read could be asked")
        return True

    @property
    def figures(self) -> Figures:
        """For the table of criteria."""
        good = sum(not why for why in self.wrong.values())
        return Figures(
            what="reads of users", asked="each answered", measured=f"{good} of {len(self.wrong)}", n=len(self.wrong)
        )

    def __str__(self) -> str:
        bad = [f"{part}: {why}" for part, why in self.wrong.items() if why]
        good = [part for part, why in self.wrong.items() if not why]
        return "; ".join([*bad, *filter(None, [self.not_asked]), *([f"good: {', '.join(good)}"] if good else [])])


def read_as_users(environment: Environment, observed: Iterable[str] = ()) -> UsersReads:
    """Sign the test account in and read once of each part. Raises MeasurementFailed where signing in is limited, or we are blocked.

    ``observed`` is what people saw (``--observed``).
    """
    config = probe_config(environment, run="health")
    journeys = {one.name: one for one in config.journeys}
    parts = [one for one in series_of(environment, config) if one.part not in {FRONT_END, HEALTH}]
    try:
        account = signed_in(environment)
    except SignInLimited:
        raise
    except MeasurementFailed as problem:
        refuse_when_blocked(environment, "users' reads are not known", observed)
        refuse_when_offline(environment, "users' reads are not known")
        return _without_a_session(config, problem)
    reads = {one.shown: journeys[one.journeys[0]] for one in parts if one.journeys}
    answers = all_at_once({part: lambda read=read: _read(environment, read, account) for part, read in reads.items()})  # type: ignore[misc]
    for words in Lookout(environment, observed).blocks_now(map(told_of, answers.values())).values():
        raise MeasurementFailed(words)  # the same words as everywhere: one cause is told once
    not_asked = "; ".join(f"{one.shown}: {one.lacking}" for one in parts if one.lacking)
    return UsersReads({part: _wrong(reads[part], answer, account) for part, answer in answers.items()}, not_asked)


def _without_a_session(config: ProbeConfig, problem: MeasurementFailed) -> UsersReads:
    part = config.sign_in.part if config.sign_in else ""
    return UsersReads(
        {SHOWN.get(part, part): f"the test account cannot sign in: {problem}"}, "nothing else could be read"
    )


def _read(environment: Environment, read: Journey, account: Account) -> Answer:
    headers = {
        **read.headers,
        **account.headers,
        **(read.browser_headers | _AS_A_BROWSER if read.as_browser_of else {}),
    }
    url = read.url.replace("{user_id}", account.user_id)
    deadline_s = environment.probing.request_deadline_s
    answer = fetch(url, headers=headers, deadline_s=deadline_s)
    # A connection that is lost once says little; one that is lost twice is what users meet.
    return fetch(url, headers=headers, deadline_s=deadline_s) if answer.problem else answer


def _wrong(read: Journey, answer: Answer, account: Account) -> str:
    foreign = FOREIGN if read.is_of_another(answer, account.user_id) else ""
    return "; ".join(filter(None, [foreign, read.expect.shortcomings(answer)]))
