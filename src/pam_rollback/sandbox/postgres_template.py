"""A finished cluster (schema and rows) kept on disk, so that a sandbox starts by copying files.

One folder per combination of server version, schema, seed and cluster settings below the user's cache folder (mode 0700). It is
made beside its place and renamed, so a reader sees all of it or nothing; every copy is compared with the digests taken when it
was made, and a template that does not match is thrown away and made anew.
"""

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pam_rollback.sandbox.personalities import Product
from pam_rollback.sandbox.postgres_binaries import Binaries

_MANIFEST = "template.json"
_CLUSTER = "cluster"
_STALE_S = 24 * 3600
"""The seed has times relative to now: a template older than a day is made anew, and one unused for a day makes room."""


class TemplateBrokenError(Exception):
    """The template does not hold what was put into it."""


@dataclass(frozen=True)
class Template:
    """A template that is complete by its manifest; only copying shows whether its files are whole."""

    folder: Path
    password: str
    digests: Mapping[str, str]

    def copy_to(self, data: Path) -> None:
        """Copy the cluster into the empty folder `data`. Raises TemplateBrokenError when a file is missing, more or different."""
        shutil.rmtree(data, ignore_errors=True)
        try:
            found = _copy_tree(self.folder / _CLUSTER, data)
        except OSError as error:
            raise TemplateBrokenError(str(error)) from error
        if found != self.digests:
            raise TemplateBrokenError(f"{self.folder}: its files are not those of its manifest")
        os.utime(self.folder)

    def discard(self) -> None:
        """Remove it; others may do so at the same time."""
        aside = self.folder.with_name(f".broken-{secrets.token_hex(8)}")
        with contextlib.suppress(OSError):
            self.folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


class TemplateCache:
    """The templates of this user."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str) -> Template | None:
        """The template for `key`, None when there is none that is readable and fresh."""
        folder = self._folder / key
        try:
            manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
            template = Template(folder=folder, password=manifest["password"], digests=manifest["digests"])
            made_s = float(manifest["made_s"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return template if time.time() - made_s < _STALE_S else None

    def keep(self, data: Path, *, key: str, password: str) -> None:
        """Keep a copy of the stopped cluster in `data`; the first of several makers wins. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        draft = self._folder / f".making-{secrets.token_hex(8)}"
        draft.mkdir(mode=0o700)
        try:
            digests = _copy_tree(data, draft / _CLUSTER)
            manifest = draft / _MANIFEST
            manifest.touch(mode=0o600)
            manifest.write_text(
                json.dumps({"password": password, "made_s": time.time(), "digests": digests}), encoding="utf-8"
            )
            self._publish(draft, key)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self._make_room(key)

    def _publish(self, draft: Path, key: str) -> None:
        place = self._folder / key
        if place.exists() and self.find(key) is None:
            Template(folder=place, password="", digests={}).discard()
        try:
            draft.rename(place)
        except OSError as error:
            if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
                raise

    def _make_room(self, key: str) -> None:
        for other in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if other.name != key and time.time() - other.stat().st_mtime > _STALE_S:
                    shutil.rmtree(other, ignore_errors=True)


def default_cache(environment: Mapping[str, str]) -> Path:
    """The user's cache folder for templates, by the XDG base directory rules."""
    base = environment.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "pam-rollback"


def template_key(binaries: Binaries, product: Product = "pam-plan") -> str:
    """Names what a template depends on: server, system, product, and all code that makes cluster, schema and rows."""
    package = Path(__file__).parent
    sources = sorted(
        [*(package / "database").rglob("*.py"), *(package / "database").rglob("*.sql"), *package.glob("postgres*.py")]
    )
    digest = hashlib.sha256(f"{binaries.version} {sys.platform} {os.uname().machine} {product}".encode())
    for source in sources:
        digest.update(source.relative_to(package).as_posix().encode() + b"\0" + source.read_bytes())
    return f"postgres-{binaries.version}-{digest.hexdigest()[:20]}"


def _copy_tree(source: Path, target: Path) -> dict[str, str]:
    """Copy it into a folder that is closed to other users, and give the digest of each file."""
    digests: dict[str, str] = {}

    def copy_file(file: str, copy: str) -> None:
        content = Path(file).read_bytes()
        Path(copy).write_bytes(content)
        digests[file.removeprefix(str(source))] = hashlib.blake2b(content, digest_size=16).hexdigest()

    shutil.copytree(source, target, copy_function=copy_file)
    target.chmod(0o700)
    return digests
