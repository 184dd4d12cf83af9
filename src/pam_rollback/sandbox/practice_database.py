"""The database of a range: on a server of its own, or as a guest on one that DATABASE_URL names."""

import asyncio
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from pam_rollback.sandbox import database, janitor
from pam_rollback.sandbox.children import Children
from pam_rollback.sandbox.postgres import Server
from pam_rollback.sandbox.postgres_binaries import choose_runner, find_binaries
from pam_rollback.sandbox.postgres_template import TemplateBrokenError, TemplateCache, default_cache, template_key
from pam_rollback.sandbox.problems import RangeError

URL_VARIABLE = "DATABASE_URL"
"""Environment variable: a server on which the range makes a database of its own, and drops it at the end."""
_CONNECT_WITHIN_S = 5


class PracticeDatabase(Protocol):
    """What the range needs of its database."""

    async def open(self) -> str:
        """Make it ready with schema and rows; returns the product's DSN.

        The accounts that can sign in get the range's password. Raises RangeError.
        """

    async def take_down(self) -> None:
        """The outage: no connection is possible and the open ones are cut."""

    async def bring_up(self) -> None:
        """The end of the outage, with the same address and the same rows."""

    async def close(self) -> None:
        """The end of the range."""


def choose_database(
    environment: Mapping[str, str], *, folder: Path, children: Children, account_password: str, use_template: bool
) -> PracticeDatabase:
    """A guest database when DATABASE_URL is set, else a server of our own with its data below `folder`."""
    url = environment.get(URL_VARIABLE)
    if url:
        return GuestDatabase(url, children, account_password=account_password)
    cache = TemplateCache(default_cache(environment)) if use_template else None
    return OwnDatabase(environment, folder=folder, children=children, account_password=account_password, cache=cache)


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
    ) -> None:
        binaries = find_binaries(environment)
        self._account_password = account_password
        self._cache = cache
        self._key = template_key(binaries)
        self.server = Server(
            binaries=binaries,
            runner=choose_runner(binaries, folder),
            children=children,
            data=folder / "database",
            logs=folder,
        )

    async def open(self) -> str:
        """Copy, or make and keep, the template, then start."""
        password = await asyncio.to_thread(self._copy_template)
        if password is None:
            password = await self._make()
        await self.server.start()
        dsn = await asyncio.to_thread(self.server.change_passwords, password)
        await asyncio.to_thread(database.set_password, dsn, self._account_password)
        return dsn

    async def take_down(self) -> None:
        """Stop the server."""
        await self.server.stop()

    async def bring_up(self) -> None:
        """Start the server on the port that it had."""
        await self.server.start()

    async def close(self) -> None:
        """Stop the server; its folder goes with the range's."""
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
        await asyncio.to_thread(database.create, dsn)
        await self.server.stop()
        if self._cache is not None:
            try:
                await asyncio.to_thread(self._cache.keep, self.server.data, key=self._key, password=password)
            except OSError as error:  # the range works without; only the next start takes longer
                sys.stderr.write(f"template of the database: not kept: {error}\n")
        return password


class GuestDatabase:
    """A database of our own on somebody else's server, which is never stopped."""

    def __init__(self, url: str, children: Children, *, account_password: str) -> None:
        self._url = url
        self._account_password = account_password
        self._children = children
        self._is_made = False
        self._name = f"pam_rollback_{secrets.token_hex(6)}"

    async def open(self) -> str:
        """Make the database; its name is random, so nothing of the server is touched."""
        parts = urlsplit(self._url)
        if parts.scheme not in {"postgres", "postgresql"}:
            raise RangeError(
                URL_VARIABLE, expected="postgresql://user:password@host:port/database", found=f"scheme {parts.scheme!r}"
            )
        self._children.owns_database(self._url, self._name)
        try:
            await asyncio.to_thread(self._on_server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self._name)))
        except RangeError:
            self._children.disowns_database(self._name)
            raise
        self._is_made = True
        dsn = urlunsplit(parts._replace(path=f"/{self._name}"))
        await asyncio.to_thread(lambda: database.create(dsn, password=self._account_password))
        return dsn

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
        """Drop the database."""
        if self._is_made:
            await asyncio.to_thread(janitor.drop_database, self._url, self._name)
            self._children.disowns_database(self._name)

    def _allow_connections(self, *, allowed: bool) -> None:
        self._on_server(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(sql.Identifier(self._name), sql.Literal(allowed))
        )

    def _on_server(self, statement: sql.Composed) -> None:
        try:
            with psycopg.connect(self._url, autocommit=True, connect_timeout=_CONNECT_WITHIN_S) as connection:
                connection.execute(statement)
        except psycopg.Error as error:
            parts = urlsplit(self._url)
            raise RangeError(
                f"{URL_VARIABLE} ({parts.hostname}:{parts.port or 5432})",
                expected="a PostgreSQL server on which a database can be made",
                found=str(error).strip(),
                advice=f"Check the address and the role's CREATEDB right, or unset {URL_VARIABLE} to use a server of the range.",
            ) from error
