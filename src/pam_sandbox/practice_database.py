"""The database of a sandbox, on a server of its own: copied from a template, and copied again for migrations to be tried on."""

import asyncio
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
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pam_sandbox import database
from pam_sandbox.children import Children
from pam_sandbox.database import AUDITOR, create_auditor, dsn_of, make_tables
from pam_sandbox.personalities import PAM_PLAN, Personality
from pam_sandbox.postgres import Binaries, Server, choose_runner, find_binaries
from pam_sandbox.problems import SandboxError

_MANIFEST = "template.json"
_CLUSTER = "cluster"
_STALE_S = 24 * 3600
"""The seed has times relative to now: a template older than a day is made anew, and one unused for a day makes room."""


class TemplateCache:
    """The templates of this user: finished clusters (schema and rows), so that a sandbox starts by copying files.

    One folder per combination of server version, schema, seed and cluster settings (mode 0700). It is made beside its place and renamed,
    and renamed before it is removed: a reader sees all of it or nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def copy_to(self, data: Path, *, key: str) -> str | None:
        """Copy the cluster of `key` to `data` and give its administrator's password; None when there is none that is whole and fresh."""
        password = self._password(key)
        if password is None:
            return None
        shutil.rmtree(data, ignore_errors=True)
        try:
            _copy_tree(self._folder / key / _CLUSTER, data)
            os.utime(self._folder / key)
        except OSError as broken:
            sys.stderr.write(f"template of the database: {broken}; it is made anew\n")
            self._discard(self._folder / key)
            return None
        return password

    def keep(self, data: Path, *, key: str, password: str) -> None:
        """Keep a copy of the stopped cluster in `data`; the first of several makers wins. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        draft, place = self._folder / f".making-{secrets.token_hex(8)}", self._folder / key
        draft.mkdir(mode=0o700)
        try:
            _copy_tree(data, draft / _CLUSTER)
            manifest = draft / _MANIFEST
            manifest.touch(mode=0o600)
            manifest.write_text(json.dumps({"password": password, "made_s": time.time()}), encoding="utf-8")
            if place.exists() and self._password(key) is None:
                self._discard(place)
            draft.rename(place)
        except OSError as error:
            if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        for other in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if other.name != key and time.time() - other.stat().st_mtime > _STALE_S:
                    self._discard(other)

    def _password(self, key: str) -> str | None:
        try:
            manifest = json.loads((self._folder / key / _MANIFEST).read_text(encoding="utf-8"))
            is_fresh = time.time() - float(manifest["made_s"]) < _STALE_S
            return str(manifest["password"]) if is_fresh else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _discard(self, folder: Path) -> None:
        """Remove it; others may do so at the same time."""
        aside = self._folder / f".gone-{secrets.token_hex(8)}"
        with contextlib.suppress(OSError):
            folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def default_cache(environment: Mapping[str, str]) -> Path:
    """The user's cache folder for templates, by the XDG base directory rules."""
    base = environment.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "pam-rollback"


def template_key(binaries: Binaries, product: Personality = PAM_PLAN) -> str:
    """Names what a template depends on: server, system, product, and all code that makes cluster, schema and rows."""
    package = Path(__file__).parent
    sources = sorted(
        [
            *(package / "database").rglob("*.py"),
            *(package / "database").rglob("*.sql"),
            package / "personalities.py",
            package / "postgres.py",
            Path(__file__),
        ]
    )
    digest = hashlib.sha256(f"{binaries.version} {sys.platform} {os.uname().machine} {product.name}".encode())
    for source in sources:
        digest.update(source.relative_to(package).as_posix().encode() + b"\0" + source.read_bytes())
    return f"postgres-{binaries.version}-{digest.hexdigest()[:20]}"


def _copy_tree(source: Path, target: Path) -> None:
    """Copy it into a folder that is closed to other users."""
    shutil.copytree(source, target)
    target.chmod(0o700)


@dataclass(frozen=True)
class Access:
    """The ways into the database. The product's role owns the tables; the administrator is a superuser."""

    product_dsn: str = field(repr=False)
    auditor_dsn: str = field(repr=False)
    administrator_dsn: str = field(repr=False)


class PracticeDatabase:
    """A server of our own, copied from a template when there is one."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        folder: Path,
        children: Children,
        account_password: str,
        product: Personality = PAM_PLAN,
    ) -> None:
        binaries = find_binaries(environment)
        self._product = product
        self._account_password = account_password
        self._cache = TemplateCache(default_cache(environment))
        self._key = template_key(binaries, product)
        self.server = Server(
            binaries=binaries,
            runner=choose_runner(binaries, folder),
            children=children,
            data=folder / "database",
            logs=folder,
        )

    async def open(self) -> Access:
        """Copy, or make and keep, the template, then start."""
        password = await asyncio.to_thread(self._copy_template)
        if password is None:
            password = await self._make()
        await self.server.start()
        dsn = await asyncio.to_thread(self.server.change_passwords, password)
        await asyncio.to_thread(database.set_password, dsn, self._account_password)
        auditor_dsn = await asyncio.to_thread(_make_auditor, dsn)
        return Access(dsn, auditor_dsn, self.server.administrator_dsn())

    def _copy_template(self) -> str | None:
        password = self._cache.copy_to(self.server.data, key=self._key)
        if password is not None:
            self.server.adopt()
        return password

    async def _make(self) -> str:
        password = secrets.token_urlsafe(24)
        self.server.clear()
        await self.server.initialise(password)
        await self.server.start()
        dsn = await asyncio.to_thread(self.server.make_application_database, password)
        await asyncio.to_thread(database.create, dsn, product=self._product)
        await self.server.stop()
        try:
            await asyncio.to_thread(self._cache.keep, self.server.data, key=self._key, password=password)
        except OSError as error:  # the sandbox works without; only the next start takes longer
            sys.stderr.write(f"template of the database: not kept: {error}\n")
        return password


def _make_auditor(product_dsn: str) -> str:
    password = secrets.token_urlsafe(24)
    create_auditor(product_dsn, role=AUDITOR, password=password)
    return dsn_of(AUDITOR, password, like=product_dsn)


_SUFFIX = "_copy"
_TABLES = "SELECT schemaname::text, tablename::text FROM pg_catalog.pg_tables WHERE schemaname IN ('public', 'auth')"
_SEQUENCES = (
    "SELECT schemaname::text, sequencename::text, last_value FROM pg_catalog.pg_sequences WHERE schemaname = 'public'"
)


def copy_name(dsn: str) -> str:
    """How the copy of the database is called."""
    return urlsplit(dsn).path.lstrip("/") + _SUFFIX


def copy_dsn(dsn: str) -> str:
    """The way into the copy, as who owns its tables."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{copy_name(dsn)}"))


def make_copy(access: Access, product: Personality = PAM_PLAN) -> None:
    """Throw the old copy away, and make one of what the database holds now; blocks for a second. Raises SandboxError."""
    name = sql.Identifier(copy_name(access.product_dsn))
    try:
        with psycopg.connect(access.administrator_dsn, autocommit=True) as connection:
            owner = conninfo_to_dict(access.product_dsn)["user"]
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(str(owner))))
        with psycopg.connect(copy_dsn(access.product_dsn)) as target:
            make_tables(target, product)
        path = f"/{copy_name(access.product_dsn)}"
        as_administrator = urlunsplit(urlsplit(access.administrator_dsn)._replace(path=path))
        with psycopg.connect(access.product_dsn) as source, psycopg.connect(as_administrator) as target:
            _copy_rows(source, target)
    except psycopg.Error as error:
        raise SandboxError(
            "copy of the database", expected="the same tables and rows", found=str(error).strip()
        ) from error


def _copy_rows(source: psycopg.Connection, target: psycopg.Connection) -> None:
    source.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    # Rows that refer to each other come in any order.
    target.execute("SET session_replication_role = replica")
    tables = [sql.Identifier(schema, name) for schema, name in target.execute(_TABLES).fetchall()]
    target.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))
    for table in tables:
        with (
            source.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(table)) as rows,
            target.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as place,
        ):
            for block in rows:
                place.write(block)
    for schema, name, last in source.execute(_SEQUENCES).fetchall():
        if last is not None:
            target.execute("SELECT setval(%s::regclass, %s)", (f"{schema}.{name}", last))
