"""Reads what the test account is shown, with its own token, where its pages read."""

from http import HTTPStatus
from typing import Any

from pam_rollback.environment.environment import Environment
from pam_rollback.integrity.account_contents import ROWS_MAX
from pam_rollback.outside.http import fetch
from pam_rollback.product.conditions import Nowhere, value_at
from pam_rollback.product.pam_api import Account
from pam_rollback.product.settings_loss import settings_in

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
