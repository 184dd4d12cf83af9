"""Who gets in without a right, who is shown what is not theirs or no longer what is, and for how many users PAM fails."""

import secrets
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import allure
import pytest

from pam_rollback.access.access import ITEM as HOLE
from pam_rollback.access.access import MADE_UP, NO_TOKEN, Access, Routes, drawn, forged_from
from pam_rollback.access.access_probe import AccessProbe, Described, Protected
from pam_rollback.access.affected_users import ITEM as AFFECTED
from pam_rollback.access.affected_users import TRIES, USERS, AffectedUsers, affected
from pam_rollback.access.feature_check import FeatureCheckApi, RealFeatures
from pam_rollback.access.separation import Separation
from pam_rollback.access.two_accounts import Places, TwoAccounts
from pam_rollback.core.clock import Clock
from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.figures import Measured
from pam_rollback.core.wait import Waiter
from pam_rollback.database import ACCOUNT_FILE
from pam_rollback.database.account_contents import ROWS_MAX, RecordedContents, changed, recorded
from pam_rollback.http.client import fetch
from pam_rollback.plan.plan import Plan
from pam_rollback.plan.plan_items import UserShareTrigger
from pam_rollback.plugin.baseline_files import BaselinePart, Recorded, stored_baseline, stored_model
from pam_rollback.plugin.needs import INDEX, needs, titled
from pam_rollback.plugin.runbook import Runbook
from pam_rollback.plugin.situations import AS_IS, situation_of
from pam_rollback.target.accounts import account_api, signed_in
from pam_rollback.target.conditions import Nowhere, value_at
from pam_rollback.target.environment import Environment
from pam_rollback.target.flag_service import flag_admin_url
from pam_rollback.target.offline import refuse_when_offline
from pam_rollback.target.pam_api import Account
from pam_rollback.target.settings_loss import settings_in

NOBODY = "00000000-0000-0000-0000-000000000000"
"""A user id that nobody has: of paths that are one for each user, where no account is signed in."""


_OF_USERS = ("profile", "settings", "expenses", "history", "tickets")
"""What a GET gives a signed-in user of their own."""


_RIGHT, _ADMIN, _USER, _EXPIRED = "its own token", "the admin token", "an ordinary user's token", "an expired token"


Pace = Callable[[], None]


@pytest.fixture(scope="session")
def pace(environment: Environment, waiter: Waiter) -> Pace:
    """Waits as long as the environment wants requests to be apart: a product may shut a client out that asks more."""
    return lambda: waiter.pause(1 / environment.probing.rate_hz)


@pytest.fixture(scope="session")
@titled("The second test account is signed in at the API")
def second_account(environment: Environment) -> Account:
    """The environment's other test account. Raises MeasurementFailed when it cannot sign in."""
    return signed_in(environment, "second_test_user")


@pytest.fixture(scope="session")
@titled("Protected paths are tried without a right token")
def access(environment: Environment, pace: Pace, in_situation: object, sign_in: Callable[[], Account]) -> Access:
    """Every protected path, with every wrong token that can be made here. Raises MeasurementFailed when we are offline.

    Without a test account there is no right token to hold them against: then only 401 counts as a lock.
    """
    abilities = environment.abilities
    account = sign_in() if "test_account" in abilities else None
    wrong: dict[str, str | None] = {NO_TOKEN: None}
    right: dict[str, str] = {}
    not_tried = []
    if account is None:
        wrong[MADE_UP] = forged_from("")[MADE_UP]
        not_tried.append(f"forged tokens: {environment.name} declares no test_account")
    else:
        wrong.update(forged_from(account.token))
        right[_RIGHT] = account.token
    if environment.has_secret("expired_user_token"):
        wrong[_EXPIRED] = environment.secret("expired_user_token")
    else:
        not_tried.append("an expired token: expired_user_token_env names none that is set")
    probe = AccessProbe(pace, environment.probing.request_deadline_s)
    user_id = NOBODY if account is None else account.user_id
    paths = [
        _protected(environment, name, url) for name in _OF_USERS if (url := environment.url_of(name, user_id=user_id))
    ]
    chat = environment.contract.operation("chat")
    whole = chat.body_with("Please ignore this test.") or {"message": "Please ignore this test."}
    paths.append(
        Protected(f"POST {environment.path_of('chat')}", environment.url_of("chat"), empty_post=True, whole=whole)
    )
    ours = wrong.keys() - {NO_TOKEN, MADE_UP}
    doors = [probe.door(path, wrong=wrong, right=right, ours=ours) for path in paths]
    if account is None:
        not_tried.append(f"a wrong password: {environment.name} declares no test_account")
    else:
        email = environment.secret("test_user_email")
        doors.append(probe.sign_in(environment.sign_in_url, email, environment.sign_in_headers))
    if environment.has_switches or environment.flag_service:
        not_tried.append("the admin API: features are switched at hosts that keep doors of their own")
    elif "flag_admin" in abilities:
        users = {} if account is None else {_USER: account.token}
        url = flag_admin_url(environment)
        token = environment.secret("admin_token" if environment.unleash is None else "unleash_admin_token")
        admin = Protected(f"GET {urlsplit(url).path}", url)
        doors.append(probe.door(admin, wrong=wrong | users, right={_ADMIN: token}))
    else:
        not_tried.append(f"the admin API: {environment.name} declares no flag_admin")
    found = Access(tuple(doors), tuple(not_tried))
    if all(attempt.http_status is None for door in doors for attempt in door.wrong):
        refuse_when_offline(environment, "no protected path can be reached")
    allure.attach(found.as_csv(), name="access.csv", attachment_type=allure.attachment_type.CSV, extension="csv")
    return found


def _protected(environment: Environment, operation: str, url: str) -> Protected:
    """Supabase opens to nobody without the key of the pages, which is in everybody's hands."""
    rows = environment.contract.operation(operation).site == "supabase"
    headers = environment.headers_of(operation) if environment.has_secret("supabase_key") else {}
    return Protected(f"GET {environment.path_of(operation)}", url, rows=rows, headers=headers)


@pytest.fixture(scope="session")
def open_paths_recorded(access: Access) -> Recorded:
    """As a baseline has them: paths that let in who has no right token."""
    return Recorded(found=access.findings)


@pytest.fixture(scope="session")
def shown_to_others_recorded(separation: Separation) -> Recorded:
    """As a baseline has it: where one account is shown what belongs to the other. Raises MeasurementFailed where that is not known."""
    _ = separation.exposures
    return Recorded(found=separation.findings)


def retest(criterion: str) -> tuple[str, Callable[[Any], tuple[bool, str]]] | None:
    """Access and affected users: tried again as a decision tries them."""
    return {
        HOLE: ("access", lambda tried: (tried.let_in == 0, str(tried))),
        AFFECTED: ("affected_users", lambda users: (users.at_least_pct <= users.limit_pct, str(users))),
    }.get(criterion)


@pytest.fixture(scope="session")
@titled("One test account looks for what belongs to the other")
@needs("test_account", "second_test_account")
def separation(
    environment: Environment, pace: Pace, account: Account, second_account: Account, in_situation: object
) -> Separation:
    """Expenses, messages, settings, profile, tickets and words of each, looked for by the other one. Raises MeasurementFailed."""
    if account.user_id == second_account.user_id:
        raise MeasurementFailed(
            f"both test accounts are user {account.user_id}: one user sees what is their own; declare two accounts"
        )
    return two_accounts(environment, account, second_account, pace).looked()


def two_accounts(environment: Environment, account: Account, second_account: Account, pace: Pace) -> TwoAccounts:
    """Where this product has what belongs to its users."""
    names = ("expenses", "chat", "history", "settings", "profile", "tickets")
    rows = frozenset(name for name in names if environment.contract.operation(name).site == "supabase")
    places = Places(
        **{name: environment.url_of(name) for name in names},
        rows=rows,
        apikey=environment.headers_of(min(rows)).get("apikey", "") if rows else "",
    )
    own, own_of_second = account_api(environment, account), account_api(environment, second_account)
    deadline_s = environment.probing.request_deadline_s
    keeps = environment.contract.operation("chat").kept
    return TwoAccounts(
        places, account, second_account, pace, deadline_s, own=own, own_of_second=own_of_second, keeps_messages=keeps
    )


@pytest.fixture(scope="session")
@titled("The core features are tried for users drawn by lot")
@needs("feature_check", "test_account")
def affected_users(environment: Environment, plan: Plan, account: Account, in_situation: object) -> AffectedUsers:
    """For whom a core feature fails. Raises MeasurementFailed when the product does not say, or says something else than is true.

    What it says of the test account is held against what that account really gets, before it is believed about anybody else.
    """
    deadline_s = environment.probing.request_deadline_s
    api = FeatureCheckApi(environment.url_of("feature_check"), environment.secret("admin_token"), deadline_s)
    of_account = api.tries([account.user_id])
    real = RealFeatures(
        environment.url_of("chat"),
        environment.url_of("expenses", user_id=account.user_id),
        account,
        deadline_s,
        environment.chat_intent,
    ).work()
    told = {name: any(attempt.get(account.user_id, {}).get(name, False) for attempt in of_account) for name in real}
    wrong = [name for name, works in real.items() if told[name] != works]
    if wrong:
        says, does = ("works", "does not") if told[wrong[0]] else ("does not work", "does")
        raise MeasurementFailed(
            f"the product's feature check is not to be believed: it says that {wrong[0]} {says} for the test account, "
            f"and in {TRIES} real tries it {does}"
        )
    users, drawn = api.drawn(USERS)
    return affected(api.tries(drawn), limit_pct=plan.the(UserShareTrigger).affected_users_pct_max, users=users)


_WHERE_UNLIMITED = 30


_MINUTES_OF_A_BASELINE = 5


def _in_a_minute(environment: Environment) -> int:
    return environment.contract.limits.ours().paths or _WHERE_UNLIMITED


@pytest.fixture(scope="session")
def described(environment: Environment, pace: Pace, in_situation: object, sign_in: Callable[[], Account]) -> Described:
    """Paths of a user are those of the test account, where there is one."""
    user_id = sign_in().user_id if "test_account" in environment.abilities else NOBODY
    return Described(AccessProbe(pace, environment.probing.request_deadline_s), environment.urls.api, user_id)


@pytest.fixture(scope="session")
@titled("Routes that the API describes are tried without a token, and held against the baseline")
@needs(baseline=INDEX)
def routes(environment: Environment, runbook: Runbook, described: Described) -> Routes:
    """Those that were opened since. Raises MeasurementFailed when the baseline or the API says nothing of them any more."""
    stored = stored_baseline(runbook)
    before = None if stored is None else stored.routes
    if before is None:
        raise MeasurementFailed("the baseline says nothing of routes; take a new one with 'pytest -m baseline'")
    here = described.routes()
    if before and not here:
        raise MeasurementFailed(f"the baseline has {len(before)} routes, and the API does not describe itself now")
    now = drawn(here, before, _in_a_minute(environment)) if before else []
    return Routes(here, before, described.asked(now))


@pytest.fixture(scope="session")
def routes_recorded(environment: Environment, described: Described) -> Recorded:
    """As a baseline has them: which routes answer without a token. Of those that were not looked at, nothing."""
    here = described.routes()
    found = described.asked(here[: _MINUTES_OF_A_BASELINE * _in_a_minute(environment)])
    return Recorded(fields={"routes": dict(Routes(here, {}, found).answered)})


_LISTS = ("history", "expenses")


_ONE_OF = ("profile", "settings")


def read_contents(environment: Environment, account: Account) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """What there is by the contract, and why the rest was not read."""
    given, unread = dict[str, list[dict[str, Any]]](), dict[str, str]()
    for name in (*_LISTS, *_ONE_OF):
        operation, url = environment.contract.operation(name), environment.url_of(name, user_id=account.user_id)
        if not url:
            continue
        if name in _LISTS:
            url += f"{'&' if '?' in url else '?'}limit={ROWS_MAX}"
        headers = {**account.headers, **environment.headers_of(name)}
        answer = fetch(url, headers=headers, deadline_s=environment.probing.request_deadline_s)
        try:
            found = value_at(answer.json, operation.items)
        except Nowhere:
            found = None
        found = settings_in(found) if name == "settings" else found
        rows = [found] if isinstance(found, dict) else found
        if answer.http_status == HTTPStatus.OK and isinstance(rows, list):
            given[name] = [row for row in rows if isinstance(row, dict)]
        else:
            # Its content is a person's own.
            unread[name] = answer.problem or f"HTTP {answer.http_status} {answer.content_type}"
    return given, unread


@pytest.fixture(scope="session")
def contents_recorded(environment: Environment, account: Account, evidence: Path, clock: Clock) -> Recorded:
    """Fingerprints of its rows and of their fields. Raises MeasurementFailed when nothing of it can be read."""
    taken_at = clock.wall()
    given, unread = read_contents(environment, account)
    if not given:
        raise MeasurementFailed(
            "; ".join(f"{name}: {why}" for name, why in unread.items()) or "the contract names none"
        )
    contents = recorded(given, taken_at=taken_at, salt=secrets.token_hex(8))
    (evidence / ACCOUNT_FILE).write_text(contents.model_dump_json() + "\n", encoding="utf-8")
    return Recorded(files={ACCOUNT_FILE: sum(map(len, contents.rows.values()))})


def _in_a_story(item: pytest.Item, _: Environment) -> str:
    as_is = situation_of(item) == AS_IS
    return "" if as_is else "a drill follows what the account writes by its ledger, and its settings by themselves"


@pytest.fixture(scope="session")
@titled("What the test account is shown is held against the baseline")
@needs("test_account", baseline=ACCOUNT_FILE, lacking=_in_a_story)
def contents_change(environment: Environment, account: Account, runbook: Runbook) -> Measured:
    """What is not as it was. Raises MeasurementFailed when nothing was recorded."""
    before = stored_model(runbook, ACCOUNT_FILE, RecordedContents)
    if before is None:
        raise MeasurementFailed("what the test account was shown before was not recorded: give --baseline FILE")
    operations = environment.contract.operations.items()
    cleared = {str(name) for name, one in operations if one.written and one.written.method == "DELETE"}

    given, unread = read_contents(environment, account)
    return changed(before, given, unread, user_id=account.user_id, cleared=cleared)


def pytest_pam_baseline_parts() -> list[BaselinePart]:
    """The paths that are open, and what is shown to others and to the test account."""
    needs = "a test account that signs in at the API"
    two, both = "two test accounts that sign in at the API", ("test_account", "second_test_account")
    return [
        BaselinePart("open paths", "open_paths_recorded", needs, ("test_account",)),
        BaselinePart("what is shown to others", "shown_to_others_recorded", two, both),
        BaselinePart("routes that answer strangers", "routes_recorded", "an API that answers"),
        BaselinePart(
            "the test account's contents",
            "contents_recorded",
            "a test account that is shown what it has",
            ("test_account",),
            file=ACCOUNT_FILE,
        ),
    ]
