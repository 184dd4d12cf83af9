"""Writes one row through the API as the test account, and looks for it through the read-only connection.

A setting of its own is written, which stays; where the product does not take one, an expense, which is deleted again. Looked for by
the account's id and a mark that stands nowhere else; [sql.names] says what tables and columns are called.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from psycopg import sql

from pam_rollback.core.answer import Answer
from pam_rollback.core.errors import MeasurementFailed, cause_of
from pam_rollback.database.database_link import DatabaseLink, Link, judge_link
from pam_rollback.http.client import Retries, fetch
from pam_rollback.http.postgres import Patience, open_snapshot
from pam_rollback.target.accounts import AccountApi, account_api
from pam_rollback.target.environment import Environment
from pam_rollback.target.pam_api import Account
from pam_rollback.target.settings_loss import LINK_SETTING

_LOOKS = 3


_WRITTEN = (HTTPStatus.OK, HTTPStatus.CREATED)


_SUPABASE, _POOLER = ".supabase.co", ".pooler.supabase.com"


_RECOVERY = "SELECT pg_is_in_recovery()"


_ROWS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "setting": (
        """SELECT count(*) FROM {user_settings}
           WHERE {user_id} = %(user)s::uuid AND {setting_name} = %(name)s AND {setting_value} #>> '{{}}' = %(mark)s""",
        ("user_id", "setting_name", "setting_value"),
    ),
    "expense": (
        "SELECT count(*) FROM {expenses} WHERE {user_id} = %(user)s::uuid AND {description} = %(mark)s",
        ("user_id", "description"),
    ),
}


_TABLES = {"setting": "user_settings", "expense": "expenses"}


@dataclass(frozen=True)
class LinkProbe:
    """The API as the test account, and the database as the auditor."""

    api: AccountApi
    account: Account
    dsn: str
    patience: Patience
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
        where, in_recovery, in_database = "the database", False, False
        try:
            for where, in_recovery, in_database in self._looks(kind, mark, was_written=not problem):  # noqa: B007 - the last one counts
                if in_database or in_recovery:
                    break
        except MeasurementFailed as failed:
            problem = problem or str(failed)
        in_api = not problem and not in_database and self._gives(kind, mark)
        left = self._cleared(kind, mark)
        found = judge_link(
            where=where,
            row=f"{'an' if kind == 'expense' else 'a'} {kind} of the test account",
            in_recovery=in_recovery,
            in_database=in_database,
            in_api=in_api,
            written=not problem,
            problem=problem,
        )
        return DatabaseLink(found.link, f"{found.why}; {left}") if left else found

    def _looks(self, kind: str, mark: str, *, was_written: bool) -> Iterator[tuple[str, bool, bool]]:
        """Where, whether that is a replica, and whether the row is there; each on a snapshot of its own."""
        values = {"user": self.account.user_id, "name": LINK_SETTING, "mark": mark}
        for _ in range(_LOOKS):
            with open_snapshot(self.dsn, self.patience) as snapshot:
                [in_recovery] = snapshot.row(_RECOVERY)
                if in_recovery or not was_written:
                    yield snapshot.where, bool(in_recovery), False
                    return
                [rows] = snapshot.row(_statement(kind, self.names), values)
                yield snapshot.where, False, bool(rows)

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


def replica_problem(dsn: str, patience: Patience) -> DatabaseLink | None:
    """Whether the database is a replica, where nothing can be written through the API; None when it is not. Raises MeasurementFailed."""
    with open_snapshot(dsn, patience) as snapshot:
        [in_recovery] = snapshot.row(_RECOVERY)
        if not in_recovery:
            return None
        return judge_link(
            where=snapshot.where, row="", in_recovery=True, in_database=False, in_api=False, written=False
        )


def _statement(kind: str, names: Mapping[str, str]) -> str:
    text, columns = _ROWS[kind]
    table = _TABLES[kind]
    parts = {table: sql.Identifier(*names.get(table, table).split("."))}
    parts |= {column: sql.Identifier(names.get(f"{table}.{column}", column)) for column in columns}
    return sql.SQL(text).format(**parts).as_string(None)


def judged_link(environment: Environment, sign_in: Callable[[], Account]) -> DatabaseLink:
    """Write a row through the API, where there is an account, and look for it in the database."""
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
