"""The copy of the sandbox's database on which migrations are tried: made anew each time that somebody asks for it."""

from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pam_rollback.sandbox.database.copying import copy
from pam_rollback.sandbox.personalities import Product
from pam_rollback.sandbox.practice_database import COPY_SUFFIX, Access
from pam_rollback.sandbox.problems import SandboxError


def name_of(dsn: str) -> str:
    """How the copy of the database is called."""
    return urlsplit(dsn).path.lstrip("/") + COPY_SUFFIX


def dsn_of(dsn: str) -> str:
    """The way into the copy, as who owns its tables."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name_of(dsn)}"))


def make(access: Access, product: Product = "pam-plan") -> None:
    """Throw the old copy away, and make one of what the database holds now; blocks for a second. Raises SandboxError."""
    name = sql.Identifier(name_of(access.product_dsn))
    try:
        with psycopg.connect(access.administrator_dsn, autocommit=True) as connection:
            owner = conninfo_to_dict(access.product_dsn)["user"]
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(str(owner))))
        copy(access.product_dsn, dsn_of(access.product_dsn), product)
    except psycopg.Error as error:
        raise SandboxError(
            "copy of the database", expected="the same tables and rows", found=str(error).strip()
        ) from error
