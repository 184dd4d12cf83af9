"""The address at which the stable release answers, whatever users get: so that two releases can be asked in turns.

It starts with the first request to it; a sandbox that nobody compares in pays nothing for it. What is asked there is in no record of the
live service.
"""

from aiohttp import web

from pam_rollback.sandbox.edge import PRIVATE, forward
from pam_rollback.sandbox.fleet import Fleet
from pam_rollback.sandbox.problems import SandboxError
from pam_rollback.sandbox.releases import ReleaseSpec


class SecondAddress:
    """Forwards to one release, and to no other."""

    def __init__(self, fleet: Fleet, spec: ReleaseSpec) -> None:
        self._fleet = fleet
        self._spec = spec

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to one request to this address."""
        if PRIVATE in request.path.split("/"):
            return web.json_response({"detail": "Not Found"}, status=404)
        try:
            release = await self._fleet.beside(self._spec)
        except SandboxError as problem:
            return web.json_response({"detail": "bad gateway", "why": str(problem)}, status=502)
        release.in_flight += 1
        try:
            return await forward(request, release)
        finally:
            release.in_flight -= 1
