"""The database of a sandbox, on a server of its own."""

import asyncio
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pam_rollback.sandbox import database
from pam_rollback.sandbox.children import Children
from pam_rollback.sandbox.database import auditor
from pam_rollback.sandbox.personalities import Product
from pam_rollback.sandbox.postgres import Server
from pam_rollback.sandbox.postgres_binaries import choose_runner, find_binaries
from pam_rollback.sandbox.postgres_template import TemplateBrokenError, TemplateCache, default_cache, template_key


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
        use_template: bool,
        product: Product = "pam-plan",
    ) -> None:
        binaries = find_binaries(environment)
        self._product: Product = product
        self._account_password = account_password
        self._cache = TemplateCache(default_cache(environment)) if use_template else None
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


def _make_auditor(product_dsn: str) -> str:
    password = secrets.token_urlsafe(24)
    auditor.create_auditor(product_dsn, role=auditor.NAME, password=password)
    return auditor.dsn_of(auditor.NAME, password, like=product_dsn)
