"""Is the database that the checks ask the one behind the API? A row that was written through the one has to be seen through the other.

Without that, green says little: a copy, a replica that lags, or another environment's database is whole while the real one is not. Where no
account may write, both may still name the same project of Supabase; else the verdict has a condition.

A setting of its own is written, which stays; where the product does not take one, an expense, which is deleted again. Looked for by
the account's id and a mark that stands nowhere else; [sql.names] says what tables and columns are called.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed, cause_of
from pam_rollback.core.figures import Sentence
from pam_rollback.http.client import Retries, fetch
from pam_rollback.target.accounts import AccountApi, account_api
from pam_rollback.target.environment import Environment
from pam_rollback.target.pam_api import Account
from pam_rollback.target.settings_loss import LINK_SETTING

if TYPE_CHECKING:
    from pam_rollback.http.postgres import Patience, Snapshot

_RUNBOOK = "docs/runbook.md#database-behind-api"


class Link(Enum):
    """What is known of it."""

    SHOWN = "shown"
    REFUTED = "refuted"
    NOT_SHOWN = "not shown"
    UNPROVEN = "unproven"
    """Nobody could be asked: this environment has no account that may write."""


@dataclass(frozen=True, repr=False)
class DatabaseLink(Sentence):
    """``why`` is the sentence: what was seen through both, or what speaks against it, or what kept us from looking."""

    link: Link
    why: str
    cause: str = ""
    """What kept us from looking, and from more than that."""

    def confirm_good(self, what: object) -> None:
        """For a finding that is good. Raises MeasurementFailed when it was looked for whether this is the database, and it was not seen.

        Where nobody could look, the verdict has a condition instead (``unproven``).
        """
        if self.link in {Link.REFUTED, Link.NOT_SHOWN}:
            raise MeasurementFailed(
                f"not known whether this is the database behind the API: {self.why}; found there: {what}; see {_RUNBOOK}",
                cause=self.cause,
            )

    def refuse_other(self) -> None:
        """For any finding. Raises MeasurementFailed when the database is known to be another one."""
        if self.link is Link.REFUTED:
            raise MeasurementFailed(
                f"this is not the database behind the API, so nothing it holds counts: {self.why}; see {_RUNBOOK}"
            )

    @property
    def unproven(self) -> str:
        """What the verdict rests on without a proof; empty where there is one."""
        return f"whether this is the database behind the API: {self.why}" if self.link is Link.UNPROVEN else ""

    def __str__(self) -> str:
        """The sentence."""
        return f"the database behind the API, {self.link.value}: {self.why}"


_LOOKS = 3
_WRITTEN = (HTTPStatus.OK, HTTPStatus.CREATED)
_SUPABASE, _POOLER = ".supabase.co", ".pooler.supabase.com"
_ROWS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "setting": (
        """SELECT count(*) FROM {user_settings}
           WHERE {user_id} = %(user)s::uuid AND {setting_name} = %(name)s AND {setting_value} #>> '{{}}' = %(mark)s""",
        "user_settings",
        ("user_id", "setting_name", "setting_value"),
    ),
    "expense": (
        "SELECT count(*) FROM {expenses} WHERE {user_id} = %(user)s::uuid AND {description} = %(mark)s",
        "expenses",
        ("user_id", "description"),
    ),
}


@dataclass(frozen=True)
class LinkProbe:
    """The API as the test account, and the database as the auditor."""

    api: AccountApi
    account: Account
    dsn: str
    patience: "Patience"
    names: Mapping[str, str]
    again: Retries = field(default_factory=Retries)

    def judged(self) -> DatabaseLink:
        """The first kind of row that says something decides. Nothing raises: what kept us from looking is a reason."""
        reasons = []
        for kind in _ROWS:
            found = self._judged_by(kind)
            if found.link is not Link.NOT_SHOWN:
                return found
            reasons.append(found.why)
        return DatabaseLink(Link.NOT_SHOWN, "; ".join(dict.fromkeys(reasons)))

    def _judged_by(self, kind: str) -> DatabaseLink:
        mark = f"pam-rollback-link-{secrets.token_hex(8)}"
        problem = self._write(kind, mark)
        try:
            found = self._looked_for(kind, mark, problem)
        except MeasurementFailed as failed:
            found = DatabaseLink(Link.NOT_SHOWN, problem or str(failed))
        left = self._cleared(kind, mark)
        return DatabaseLink(found.link, f"{found.why}; {left}") if left else found

    def _looked_for(self, kind: str, mark: str, problem: str) -> DatabaseLink:
        """Judge what is seen, each time on a snapshot of its own. ``problem``: why the row is not known to be written."""
        from pam_rollback.http.postgres import open_snapshot  # noqa: PLC0415 - the driver takes long to load

        row = f"{'an' if kind == 'expense' else 'a'} {kind} of the test account"
        values, where = {"user": self.account.user_id, "name": LINK_SETTING, "mark": mark}, ""
        for _ in range(_LOOKS):
            with open_snapshot(self.dsn, self.patience) as snapshot:
                where = snapshot.where
                if (replica := _replica(snapshot)) is not None:
                    return replica
                if problem:
                    return DatabaseLink(Link.NOT_SHOWN, problem)
                [rows] = snapshot.row(_statement(kind, self.names), values)
            if rows:
                return DatabaseLink(Link.SHOWN, f"{row} was written through the API and seen at {where}")
        if self._gives(kind, mark):
            return DatabaseLink(
                Link.REFUTED,
                f"{row} was written through the API, which gives it back, but it is not at {where}; is database_dsn another environment's?",
            )
        # A write that the product lost says nothing of the database.
        lost = f"{row} was acknowledged by the API, which does not have it any more: the product loses writes"
        return DatabaseLink(Link.NOT_SHOWN, lost)

    def _write(self, kind: str, mark: str) -> str:
        """Write the row; gives why it is not known to be written, empty when the API acknowledged it."""
        answer = self.again.ask(lambda: self._written(kind, mark))
        if answer.http_status in _WRITTEN and answer.json and isinstance(answer.json, (dict, list)):
            return ""
        found = answer.problem or f"HTTP {answer.http_status} {answer.content_type or 'without content type'}"
        return f"no {kind} could be written through the API: {answer.method} {answer.url}: {found}"

    def _written(self, kind: str, mark: str) -> Answer:
        if kind == "expense":
            return self.api.add_expense(
                {"amount": 0.01, "category": "other", "description": mark}, self.account.user_id
            )
        return fetch(
            self.api.settings_url,
            method="PUT",
            json={"settings": {LINK_SETTING: mark}},
            headers=self.account.headers,
            deadline_s=self.api.deadline_s,
        )

    def _gives(self, kind: str, mark: str) -> bool:
        if kind == "setting":
            return (self.api.settings() or {}).get(LINK_SETTING) == mark
        return bool(self.api.expenses_noted(mark))

    def _cleared(self, kind: str, mark: str) -> str:
        """Delete the expense, also one that was never acknowledged; gives what is left, for a person to delete."""
        if kind != "expense":
            return ""
        left = ""
        for _ in range(1 if self.again.gave_up else self.again.tries):
            try:
                self.api.delete_expenses(mark)
            except MeasurementFailed as failed:
                left = str(failed)
            else:
                return ""
        return left


def same_project(dsn: str, supabase: str) -> str:
    """The project of Supabase that a DSN and the address of its REST both name; empty where they name none, or not the same.

    Source: Supabase's "Connect to your database": ``db.PROJECT.supabase.co``, or a pooler's host with the user ``ROLE.PROJECT``.
    """
    host = urlsplit(supabase).hostname or ""
    project = host.removesuffix(_SUPABASE)
    if project == host or not project or "." in project:
        return ""
    asked = urlsplit(dsn)
    at, user = asked.hostname or "", asked.username or ""
    direct = at == f"db.{project}{_SUPABASE}"
    pooled = at.endswith(_POOLER) and user.partition(".")[2] == project
    return project if direct or pooled else ""


def replica_problem(dsn: str, patience: "Patience") -> DatabaseLink | None:
    """Whether the database is a replica, where nothing can be written through the API; None when it is not. Raises MeasurementFailed."""
    from pam_rollback.http.postgres import open_snapshot  # noqa: PLC0415 - the driver takes long to load

    with open_snapshot(dsn, patience) as snapshot:
        return _replica(snapshot)


def _replica(snapshot: "Snapshot") -> DatabaseLink | None:
    [in_recovery] = snapshot.row("SELECT pg_is_in_recovery()")
    if not in_recovery:
        return None
    return DatabaseLink(
        Link.REFUTED,
        f"{snapshot.where} is a replica (pg_is_in_recovery): what it holds may be older; give the primary's address (database_dsn)",
    )


def _statement(kind: str, names: Mapping[str, str]) -> str:
    from psycopg import sql  # noqa: PLC0415 - the driver takes long to load

    text, table, columns = _ROWS[kind]
    parts = {table: sql.Identifier(*names.get(table, table).split("."))}
    parts |= {column: sql.Identifier(names.get(f"{table}.{column}", column)) for column in columns}
    return sql.SQL(text).format(**parts).as_string(None)


def judged_link(environment: Environment, sign_in: Callable[[], Account]) -> DatabaseLink:
    """Write a row through the API, where there is an account, and look for it in the database."""
    from pam_rollback.http.postgres import Patience  # noqa: PLC0415 - the driver takes long to load

    patience = Patience(environment.sql.statement_timeout_s, environment.sql.lock_timeout_s)
    dsn = environment.secret("database_dsn")
    try:
        if "test_account" not in environment.abilities:
            return replica_problem(dsn, patience) or _without_an_account(environment, dsn)
        account = sign_in()
    except MeasurementFailed as failed:
        return DatabaseLink(Link.NOT_SHOWN, str(failed), cause_of(failed))
    api = account_api(environment, account)
    return LinkProbe(api, account, dsn, patience, environment.table_names).judged()


def _without_an_account(environment: Environment, dsn: str) -> DatabaseLink:
    project = same_project(dsn, environment.urls.supabase)
    if project:
        return DatabaseLink(Link.SHOWN, f"the DSN and [urls] supabase name the same project, {project}")
    return DatabaseLink(
        Link.UNPROVEN,
        f"{environment.name} declares no test_account that could write a row through the API, and DSN and [urls] supabase do not name "
        "one project",
    )
