"""Render's API (``https://api.render.com/v1``): how it is asked, whose service it is, and its metrics' way of saying "unknown".

Contract: https://api-docs.render.com. Errors carry ``id`` and ``message``; every answer tells the limit of requests in ``Ratelimit-Limit``,
``-Remaining`` and ``-Reset``. What ``Reset`` is, is told in two ways there (seconds from now, seconds since 1970): both are understood.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pam_rollback.base.errors import MeasurementFailed, ProviderError
from pam_rollback.base.wait import Waiter
from pam_rollback.environment.hosts import Render
from pam_rollback.outside.json_object import JsonObject
from pam_rollback.outside.provider import DEADLINE_S, PATIENCE_S, Provider, ProviderApi

_ADVICE: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the key of [secrets] render_api_key_env is not accepted: export another one",
    HTTPStatus.FORBIDDEN: "the key of [secrets] render_api_key_env may not do this to this service: take one of its workspace",
    HTTPStatus.NOT_FOUND: (
        "is [render] service_id right? It stands in the address of the service's page in the Dashboard. A deploy's build may also be gone: "
        "Render keeps a few only"
    ),
    HTTPStatus.PAYMENT_REQUIRED: "the workspace's billing is in the way: see the Dashboard",
    HTTPStatus.CONFLICT: "something else is being done to the service: look at its Events page, then do it again",
}
_METRICS_ADVICE: Mapping[int, str] = {
    **_ADVICE,
    HTTPStatus.BAD_REQUEST: "is [render] resolution_s one that Render tells (30 s at least)?",
}


def render_api(
    settings: Render,
    key: str,
    *,
    deadline_s: float = DEADLINE_S,
    patience_s: float = PATIENCE_S,
    waiter: Waiter | None = None,
    advice: Mapping[int, str] = _ADVICE,
) -> ProviderApi:
    """Give one key's view of Render."""
    provider = Provider(
        name="Render",
        api_url=settings.api_url,
        reset_header="ratelimit-reset",
        limit_header="ratelimit-limit",
        status_page="status.render.com",
        settings="[render] api_url",
        secret="[secrets] render_api_key_env",  # noqa: S106 - where it stands, not what it is
        advice=advice,
        id_header="rndr-id",
    )
    return ProviderApi(provider, key, deadline_s=deadline_s, patience_s=patience_s, waiter=waiter or Waiter())


def own_service(told: JsonObject, settings: Render) -> JsonObject:
    """Give the service that was told of, once it is the environment's own (``GET /services/{id}``)."""
    told.same("id", settings.service_id)
    owner = told.document.get("ownerId")
    if settings.owner_id and owner != settings.owner_id:
        expected = f"expected it to belong to {settings.owner_id} ([render] owner_id)"
        raise told.complaint(expected, f"{owner!r}: is this another environment's service?")
    return told


class RenderApi:
    """Render for those who measure: asked once each time, and what it does not tell is MeasurementFailed, in the same words."""

    def __init__(self, settings: Render, key: str, *, deadline_s: float = 5.0) -> None:
        self.settings = settings
        self._api = render_api(settings, key, deadline_s=deadline_s, patience_s=0, advice=_METRICS_ADVICE)

    @property
    def date(self) -> str:
        """The moment that the latest answer claims (HTTP ``Date``); empty when none did."""
        return self._api.date

    def get(self, operation: str, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        """Ask, and give the JSON of a good answer. ``operation`` says what for, in the words of a message."""
        try:
            return self._api.document(operation, self._api.ask(operation, path, query=query))
        except ProviderError as error:
            raise MeasurementFailed(str(error)) from error

    def check_service(self) -> None:
        """See that the service is there, is not suspended, and belongs to whom the environment says."""
        service_id = self.settings.service_id
        operation = f"the service {service_id}"
        try:
            told = own_service(self._api.ask_told(operation, f"/services/{service_id}", "a service"), self.settings)
        except ProviderError as error:
            raise MeasurementFailed(str(error)) from error
        if told.document.get("suspended") == "suspended":
            raise MeasurementFailed(f"Render, {operation}: it is suspended, so its metrics say nothing of users")
