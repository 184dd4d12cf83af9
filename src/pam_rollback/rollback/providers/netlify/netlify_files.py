"""Publishes a folder on Netlify by the digests of its files, as Netlify's own command line does: only what it lacks is sent.

``createSiteDeploy`` makes the deploy, ``updateSiteDeploy`` names the files by SHA-1 and is told which are ``required``, and
``uploadDeployFile`` sends those. Nothing is built, here or there. Redirects and headers of ``netlify.toml`` hold only if a copy of it is
at the folder's root, or ``_redirects`` and ``_headers`` are. Functions are not deployed.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from pam_rollback.base.errors import ActionFailed, ProviderError, StopRequested
from pam_rollback.outside.http import all_at_once
from pam_rollback.outside.json_object import JsonObject
from pam_rollback.rollback.deploys import Deploy, DeployId
from pam_rollback.rollback.providers.netlify.netlify import DONE, NetlifySite

_AT_ONCE = 5
_ARRIVED = frozenset({"uploaded", "processing", "processed", "ready"})
"""Netlify's words for a deploy that lacks no file any more."""
_SLOWEST_BYTES_A_S = 100_000
_REFUSED = re.compile(r"[#?\\\x00-\x1f]")
"""Netlify serves no file with such a name."""


@dataclass(frozen=True)
class NetlifyFiles:
    """A ``FileDeploys`` of the engine's."""

    site: NetlifySite

    def publish_files(self, folder: Path, *, title: str, commit: str) -> Deploy:
        """Make a new production deploy of the folder. One that could not be completed is cancelled, so that it is never published.

        Where only answers were lost, Netlify has all files and publishes them: that is looked for, since to say that it failed would be
        wrong as soon as visitors have it.

        The commit is written into the title, which is where ``NetlifySite`` finds it: Netlify knows none of files.
        """
        digests = digests_of(folder)
        operation = f"make a deploy of {len(digests)} files"
        path = f"/sites/{self._quoted(operation, self.site.settings.site_id)}/deploys"
        told = self.site.api.ask_told(
            operation,
            path,
            "a deploy",
            method="POST",
            query=(("title", f"{title} [commit {commit}]"),),
            json={"draft": False},
            expected=DONE,
        )
        made = self.site.read_deploy(told)
        try:
            self._complete(made.id, f"{path}/{self._quoted(operation, made.id)}", folder, digests)
        except StopRequested:
            self._give_up(made.id)
            raise
        except ActionFailed:
            if not self._has_arrived(made.id):
                self._give_up(made.id)
                raise
        return self.site.deploy(made.id)

    def cancel(self, deploy_id: DeployId) -> Deploy:
        """Stop a deploy that is not done."""
        return self.site.cancel(deploy_id)

    def _complete(self, deploy_id: DeployId, path: str, folder: Path, digests: Mapping[str, str]) -> None:
        operation = f"name the files of {deploy_id}"
        told = self.site.api.ask_told(
            operation,
            path,
            "a deploy",
            method="PUT",
            json={"files": dict(digests), "async": False, "draft": False},
            expected=DONE,
            repeatable=True,  # the same names for the same deploy
        )
        told.same("id", deploy_id)
        required = _required(told, set(digests.values()))
        names = {digest: name for name, digest in digests.items()}
        uploads = {digest: partial(self._upload, deploy_id, folder, names[digest], digest) for digest in required}
        all_at_once(uploads, workers=_AT_ONCE)

    def _upload(self, deploy_id: DeployId, folder: Path, name: str, digest: str) -> None:
        operation = f"send {name}"
        content = (folder / name).read_bytes()
        if _sha1(content) != digest:
            raise ActionFailed(
                f"{folder / name} changed while it was being published: build into a folder that nobody else writes to"
            )
        self.site.api.ask(
            operation,
            f"/deploys/{self._quoted(operation, deploy_id)}/files/{quote(name)}",
            method="PUT",
            query=(("size", str(len(content))),),
            body=content,
            expected=DONE,
            repeatable=True,  # the same content for the same name of the same deploy
            deadline_s=self.site.api.deadline_s + len(content) / _SLOWEST_BYTES_A_S,
        )

    def _has_arrived(self, deploy_id: DeployId) -> bool:
        try:
            return self.site.deploy(deploy_id).state in _ARRIVED
        except ProviderError:
            return False

    def _give_up(self, deploy_id: DeployId) -> None:
        try:
            self.site.cancel(deploy_id)
        except ProviderError:
            return  # the first failure is the one to tell; a deploy that lacks files is never published

    def _quoted(self, operation: str, part: str) -> str:
        return self.site.api.part_of_path(operation, part)


def _required(told: JsonObject, own: Collection[str]) -> Sequence[str]:
    required = told.document.get("required")
    if not isinstance(required, list):
        raise told.complaint("expected a deploy with 'required' as a list of digests", required)
    unknown = [digest for digest in required if digest not in own]
    if unknown:
        raise told.complaint("expected only digests of this folder to be required", unknown[:3])
    return tuple(dict.fromkeys(required))


def digests_of(folder: Path) -> dict[str, str]:
    """Give the SHA-1 of every file by its name below the folder. Raises ActionFailed for a folder that is no site."""
    if not (folder / "index.html").is_file():
        found = "no index.html in it" if folder.is_dir() else "no such folder"
        raise ActionFailed(
            f"{folder}: expected the built site, found {found}; is [git] publish_folder right, and was it built?"
        )
    digests = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            continue
        name = str(PurePosixPath(path.relative_to(folder)))
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ActionFailed(f"{path}: a link out of the folder; publish real files only")
        if _REFUSED.search(name):
            raise ActionFailed(f"{path}: Netlify refuses file names with #, ? or a backslash; rename it")
        digests[name] = _sha1(path.read_bytes())
    return digests


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
