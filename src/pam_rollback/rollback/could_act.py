"""Whether the product would do what a rollback needs. Reads, and asks so that nothing is done.

The calls that change something get an empty list (``[]``) as their body: whoever is let in is refused for the content, which is not an
object, before anything is done; whoever is not let in gets 401 or 403. The product answers 403 to admin calls that it does not know, too,
so "refused" means something only beside the right token's answer. The call that clears the caches looks at no body: it is only looked
whether there is such a path.
"""

from collections.abc import Collection
from http import HTTPStatus

from pam_rollback.base.errors import ActionFailed, MeasurementFailed
from pam_rollback.outside.http import fetch
from pam_rollback.plan.flags import FlagAdmin, FlagEvaluation

_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_FOR_ITS_CONTENT = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
_IS_THERE = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, *_REFUSED})
_NOTHING: list[object] = []


def flags_known(api: FlagAdmin, names: Collection[str]) -> str:
    """The flag API gives the plan's flags. Raises ActionFailed when it does not."""
    flags = api.read_flags()
    missing = sorted(set(names) - set(flags))
    if missing:
        raise ActionFailed(f"the environment has no flag {', '.join(missing)}; it has {', '.join(sorted(flags))}")
    return f"the flag API has {', '.join(f'{name} {flags[name]}' for name in sorted(names))}"


def evaluation_known(api: FlagEvaluation, names: Collection[str]) -> str:
    """The evaluation tells of the plan's flags. Raises ActionFailed when it does not."""
    try:
        missing = sorted(set(names) - set(api.flags_of("preflight")))
    except MeasurementFailed as error:
        raise ActionFailed(str(error)) from None
    if missing:
        raise ActionFailed(f"the evaluation says nothing of {', '.join(missing)}")
    return ""


def closed(url: str, *, reads: bool, deadline_s: float) -> str:
    """A caller without a token is refused. Raises ActionFailed when it is let in, or when nobody answers."""
    answers = [fetch(url, method="POST", json=_NOTHING, deadline_s=deadline_s)]
    if reads:
        answers.append(fetch(url, deadline_s=deadline_s))
    for answer in answers:
        if answer.problem or answer.http_status == HTTPStatus.NOT_FOUND:
            raise ActionFailed(f"there is nothing that could refuse anybody: {answer}")
        if answer.http_status not in _REFUSED:
            raise ActionFailed(
                f"anybody may call it: without a token expected HTTP 401 or 403, found {answer}; see docs/runbook.md#security-hole"
            )
    return ""


def call_known(url: str, token: str, *, deadline_s: float) -> str:
    """The call is there, and our token is let in: it is refused for its content only. Raises ActionFailed when not."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = fetch(url, method="POST", json=_NOTHING, headers=headers, deadline_s=deadline_s)
    if answer.http_status in _FOR_ITS_CONTENT and not answer.problem:
        return "the emergency call knows our token"
    if answer.http_status in _REFUSED:
        raise ActionFailed(f"the token is not accepted, or there is no such call: {answer}")
    raise ActionFailed(f"expected it to refuse an empty call for its content (HTTP 400 or 422), found {answer}")


def path_known(url: str, *, deadline_s: float) -> str:
    """There is such a path: it refuses to be read. Raises ActionFailed when there is none."""
    answer = fetch(url, deadline_s=deadline_s)
    if answer.problem or answer.http_status not in _IS_THERE:
        raise ActionFailed(f"expected a path that refuses GET (HTTP 405, 401 or 403), found {answer}; see [paths]")
    return ""
