"""The scenes of our client at a real Unleash, and the stand-in's answers held against the real ones."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.target.client.unleash_scenes import *  # noqa: F403 - the same scenes
from tests.target.client.unleash_scenes import Place, begun
from tests.unleash_server import real_unleash
from tests.unleash_stand_in import ADMIN, FRONTEND, unleash_stand_in

_EXPORT = {"project": "default", "environment": "production", "downloadFile": False}
_ASKED: list[tuple[str, str, Any, str]] = [
    ("POST", "/api/admin/features-batch/export", _EXPORT, ADMIN),
    ("POST", "/api/admin/features-batch/export", {**_EXPORT, "environment": "nowhere"}, ADMIN),
    ("POST", "/api/admin/features-batch/export", {**_EXPORT, "project": "nowhere"}, ADMIN),
    ("POST", "/api/admin/features-batch/export", _EXPORT, ""),
    ("POST", "/api/admin/features-batch/export", _EXPORT, "wrong"),
    ("POST", "/api/admin/features-batch/export", _EXPORT, FRONTEND),
    ("POST", "/api/admin/projects/default/bulk_features/environments/production/off", {"features": ["NOPE"]}, ADMIN),
    ("POST", "/api/admin/projects/default/features/NOPE/environments/production/strategies", {"name": "x"}, ADMIN),
    ("GET", "/api/admin/projects/default/features", None, f"Bearer {ADMIN}"),
    ("GET", "/api/admin/projects/default/features", None, ""),
    ("POST", "/api/frontend", {"context": {"userId": "user-1"}}, FRONTEND),
    ("POST", "/api/frontend", {"context": {"userId": "user-1"}}, ADMIN),
    ("POST", "/api/frontend", {"context": {"userId": "user-1"}}, "wrong"),
]


@pytest.fixture(scope="module")
def unleash_url() -> Iterator[str]:
    """A real server on a PostgreSQL of its own."""
    with real_unleash() as server:
        yield server.url


def _shape(document: Any) -> Any:
    """Keys and kinds, of a list those of its first; a list may be empty."""
    if isinstance(document, dict):
        return {name: _shape(value) for name, value in document.items()}
    if isinstance(document, list):
        return [_shape(document[0])] if document else []
    return type(document).__name__


def _misses(stand_in: Any, real: Any, where: str = "") -> Iterator[str]:
    """What the stand-in says and the real one does not, or as another kind."""
    if isinstance(stand_in, dict) and isinstance(real, dict):
        for name, value in stand_in.items():
            if name not in real:
                yield f"{where}/{name}"
            else:
                yield from _misses(value, real[name], f"{where}/{name}")
    elif isinstance(stand_in, list) and isinstance(real, list):
        if stand_in and real:
            yield from _misses(stand_in[0], real[0], f"{where}/0")
    elif stand_in != real:
        yield f"{where}: {stand_in} here, {real} there"


@pytest.mark.parametrize(("method", "path", "body", "token"), _ASKED)
def test_the_stand_in_answers_as_the_real_one(place: Place, method: str, path: str, body: Any, token: str) -> None:
    """The same status, and nothing in the body that the real one does not have."""
    status, real = place.ask(method, path, body, token)
    with unleash_stand_in() as found:
        begun(found.url, "same", place.journal.path.parent)
        standing = Place(found.url, "", "", "", place.journal)
        stand_in_status, stand_in = standing.ask(method, path, body, token)
    if status is not None and status < 400:
        assert list(_misses(_shape(stand_in), _shape(real))) == []
    assert stand_in_status == status
