"""Netlify's file digests: a deploy names its files by hash, and only those that the host does not have yet are uploaded."""

import hashlib
import re
from collections.abc import Mapping
from http import HTTPStatus

from pam_rollback.sandbox.builds import from_files
from pam_rollback.sandbox.providers.accounts import Refusal
from pam_rollback.sandbox.providers.netlify_deploys import Deployed, Deploys

_SHA1 = re.compile(r"[0-9a-f]{40}")
_FORBIDDEN = frozenset("#?")


class Uploads:
    """The contents that the host has, by their SHA-1."""

    def __init__(self, deploys: Deploys) -> None:
        self._deploys = deploys
        self._contents = {file.sha1: file.body for build in deploys.builds() for file in build.files.values()}

    def declare(self, deploy: Deployed, files: object) -> None:
        """Say which files the deploy has; it is ready by itself when all are known. Raises Refusal."""
        if not isinstance(files, Mapping) or not files:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "files: expected an object of paths and SHA1 digests")
        bad = [path for path, sha1 in files.items() if _SHA1.fullmatch(str(sha1)) is None or _FORBIDDEN & set(path)]
        if bad:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"files: no SHA1 digest, or # or ? in the path: {bad[0]}")
        if deploy.is_done or deploy.build is not None:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"Deploy cannot be changed: it is {deploy.state}")
        self._remember_built()
        deploy.digests = {_address(path): str(sha1) for path, sha1 in files.items()}
        deploy.required = sorted(set(deploy.digests.values()) - self._contents.keys())
        deploy.enter("uploading")
        self._finish_if_complete(deploy)

    def receive(self, deploy: Deployed, path: str, body: bytes) -> dict[str, object]:
        """Take one file in. Raises Refusal."""
        address, found = _address(path), hashlib.sha1(body, usedforsecurity=False).hexdigest()
        if address not in deploy.digests:
            raise Refusal(HTTPStatus.NOT_FOUND, "Not Found")
        if deploy.digests[address] != found:
            raise Refusal(
                HTTPStatus.UNPROCESSABLE_ENTITY, f"{address}: expected {deploy.digests[address]}, got {found}"
            )
        self._contents[found] = body
        if found in deploy.required:
            deploy.required.remove(found)
            self._finish_if_complete(deploy)
        return {"id": address, "path": address, "sha": found, "size": len(body)}

    def _finish_if_complete(self, deploy: Deployed) -> None:
        if not deploy.required and deploy.state == "uploading":
            deploy.enter("uploaded")
            build = from_files({address: self._contents[sha1] for address, sha1 in deploy.digests.items()})
            self._deploys.in_background(self._deploys.finish(deploy, build))

    def _remember_built(self) -> None:
        for build in self._deploys.builds():
            self._contents.update((file.sha1, file.body) for file in build.files.values())


def _address(path: str) -> str:
    return "/" + path.lstrip("/")
