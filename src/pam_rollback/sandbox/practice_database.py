"""The database of a sandbox: on a server of its own, or as a guest on one that DATABASE_URL names."""

import asyncio
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from pam_rollback.sandbox import database, janitor
from pam_rollback.sandbox.children import Children
from pam_rollback.sandbox.database import auditor
from pam_rollback.sandbox.personalities import Product
from pam_rollback.sandbox.postgres import Server
from pam_rollback.sandbox.postgres_binaries import choose_runner, find_binaries
from pam_rollback.sandbox.postgres_template import TemplateBrokenError, TemplateCache, default_cache, template_key
from pam_rollback.sandbox.problems import SandboxError

URL_VARIABLE = "DATABASE_URL"
"""Environment variable: a server on which the sandbox makes a database of its own, and drops it at the end."""
COPY_SUFFIX = "_copy"
"""What is added to the database's name for the copy on which migrations are tried."""
_CONNECT_WITHIN_S = 5
_ROLES_BYPASS_SINCE = 160000  # before, only a superuser may create a role that bypasses row level security


@dataclass(frozen=True)
class Access:
    """The ways into the database. The product's role owns the tables; the administrator is a superuser, where there is one for us."""

    product_dsn: str = field(repr=False)
    auditor: str
    auditor_dsn: str = field(repr=False)
    administrator_dsn: str | None = field(repr=False)


class PracticeDatabase(Protocol):
    """What the sandbox needs of its database."""

    async def open(self) -> Access:
        """Make it ready with schema, rows and a role for the checks.

        The accounts that can sign in get the sandbox's password. Raises SandboxError.
        """

    async def take_down(self) -> None:
        """The outage: no connection is possible and the open ones are cut."""

    async def bring_up(self) -> None:
        """The end of the outage, with the same address and the same rows."""

    async def close(self) -> None:
        """The end of the sandbox."""


def choose_database(
    environment: Mapping[str, str],
    *,
    folder: Path,
    children: Children,
    account_password: str,
    use_template: bool,
    product: Product = "pam-plan",
) -> PracticeDatabase:
    """A guest database when DATABASE_URL is set, else a server of our own with its data below `folder`."""
    url = environment.get(URL_VARIABLE)
    if url:
        return GuestDatabase(url, children, account_password=account_password, product=product)
    cache = TemplateCache(default_cache(environment)) if use_template else None
    return OwnDatabase(
        environment, folder=folder, children=children, account_password=account_password, cache=cache, product=product
    )


class OwnDatabase:
    """A server of our own, copied from a template when there is one."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        folder: Path,
        children: Children,
        account_password: str,
        cache: TemplateCache | None,
        product: Product = "pam-plan",
    ) -> None:
        binaries = find_binaries(environment)
        self._product: Product = product
        self._account_password = account_password
        self._cache = cache
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
        auditor_dsn = await asyncio.to_thread(_make_auditor, dsn, auditor.NAME)
        return Access(dsn, auditor.NAME, auditor_dsn, self.server.administrator_dsn())

    async def take_down(self) -> None:
        """Stop the server."""
        await self.server.stop()

    async def bring_up(self) -> None:
        """Start the server on the port that it had."""
        await self.server.start()

    async def close(self) -> None:
        """Stop the server; its folder goes with the sandbox's."""
        await self.server.stop()

    def _copy_template(self) -> str | None:
        template = self._cache.find(self._key) if self._cache is not None else None
        if template is None:
            return None
        try:
            template.copy_to(self.server.data)
        except TemplateBrokenError as broken:
            sys.stderr.write(f"template of the database: {broken}; it is made anew\n")
            template.discard()
            return None
        self.server.adopt()
        return template.password

    async def _make(self) -> str:
        password = secrets.token_urlsafe(24)
        self.server.clear()
        await self.server.initialise(password)
        await self.server.start()
        dsn = await asyncio.to_thread(self.server.make_application_database, password)
        await asyncio.to_thread(database.create, dsn, product=self._product)
        await self.server.stop()
        if self._cache is not None:
            try:
                await asyncio.to_thread(self._cache.keep, self.server.data, key=self._key, password=password)
            except OSError as error:  # the sandbox works without; only the next start takes longer
                sys.stderr.write(f"template of the database: not kept: {error}\n")
        return password


class GuestDatabase:
    """A database of our own on somebody else's server, which is never stopped."""

    def __init__(self, url: str, children: Children, *, account_password: str, product: Product = "pam-plan") -> None:
        self._url = url
        self._product: Product = product
        self._account_password = account_password
        self._children = children
        self._is_made = False
        self._name = f"pam_rollback_{secrets.token_hex(6)}"
        self._auditor = f"{self._name}_auditor"

    async def open(self) -> Access:
        """Make the database and its auditor; their names are random, so nothing of the server is touched."""
        parts = urlsplit(self._url)
        if parts.scheme not in {"postgres", "postgresql"}:
            raise SandboxError(
                URL_VARIABLE, expected="postgresql://user:password@host:port/database", found=f"scheme {parts.scheme!r}"
            )
        is_superuser = await asyncio.to_thread(self._check_rights)
        self._children.owns_database(self._url, self._name)
        try:
            await asyncio.to_thread(self._on_server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self._name)))
        except SandboxError:
            self._children.disowns_database(self._name)
            raise
        self._is_made = True
        self._children.owns_database(self._url, f"{self._name}{COPY_SUFFIX}")
        dsn = urlunsplit(parts._replace(path=f"/{self._name}"))
        await asyncio.to_thread(lambda: database.create(dsn, password=self._account_password, product=self._product))
        self._children.owns_role(self._url, self._auditor)
        auditor_dsn = await asyncio.to_thread(_make_auditor, dsn, self._auditor)
        return Access(dsn, self._auditor, auditor_dsn, dsn if is_superuser else None)

    async def take_down(self) -> None:
        """Refuse connections to this one database and cut the open ones."""
        await asyncio.to_thread(self._allow_connections, allowed=False)
        await asyncio.to_thread(
            self._on_server,
            sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(self._name),
        )

    async def bring_up(self) -> None:
        """Accept connections again."""
        await asyncio.to_thread(self._allow_connections, allowed=True)

    async def close(self) -> None:
        """Drop the database and its auditor."""
        if self._is_made:
            for name in (f"{self._name}{COPY_SUFFIX}", self._name):
                await asyncio.to_thread(janitor.drop_database, self._url, name)
                self._children.disowns_database(name)
            await asyncio.to_thread(janitor.drop_role, self._url, self._auditor)
            self._children.disowns_role(self._auditor)

    def _check_rights(self) -> bool:
        """Whether the account of the URL is a superuser. Raises SandboxError when it may not make the roles that the sandbox needs."""
        try:
            with psycopg.connect(self._url, connect_timeout=_CONNECT_WITHIN_S) as connection:
                row = connection.execute(
                    "SELECT rolsuper, rolcreaterole AND rolbypassrls FROM pg_roles WHERE rolname = current_user"
                ).fetchone()
                version = connection.info.server_version
        except psycopg.Error as error:
            raise self._refused(error) from error
        is_superuser, may_bypass = row or (False, False)
        if not is_superuser and not (may_bypass and version >= _ROLES_BYPASS_SINCE):
            raise SandboxError(
                self._place,
                expected="an account that may create roles with BYPASSRLS",
                found="one that may not, and the checks would see no row",
                advice="Use a superuser, or from PostgreSQL 16 on an account with CREATEDB, CREATEROLE and BYPASSRLS,"
                f" or unset {URL_VARIABLE} to use a server of the sandbox.",
            )
        return bool(is_superuser)

    def _allow_connections(self, *, allowed: bool) -> None:
        self._on_server(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(sql.Identifier(self._name), sql.Literal(allowed))
        )

    def _on_server(self, statement: sql.Composed) -> None:
        try:
            with psycopg.connect(self._url, autocommit=True, connect_timeout=_CONNECT_WITHIN_S) as connection:
                connection.execute(statement)
        except psycopg.Error as error:
            raise self._refused(error) from error

    @property
    def _place(self) -> str:
        parts = urlsplit(self._url)
        return f"{URL_VARIABLE} ({parts.hostname}:{parts.port or 5432})"

    def _refused(self, error: psycopg.Error) -> SandboxError:
        return SandboxError(
            self._place,
            expected="a PostgreSQL server on which a database can be made",
            found=str(error).strip(),
            advice=f"Check the address and the role's CREATEDB right, or unset {URL_VARIABLE} to use a server of the sandbox.",
        )


def _make_auditor(product_dsn: str, role: str) -> str:
    password = secrets.token_urlsafe(24)
    auditor.create_auditor(product_dsn, role=role, password=password)
    dsn = auditor.dsn_of(role, password, like=product_dsn)
    # A guest's server may let in only those whom it knows: better told now than by the first check.
    psycopg.connect(dsn, connect_timeout=_CONNECT_WITHIN_S).close()
    return dsn
