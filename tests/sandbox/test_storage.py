"""The product's way to its database gives back what it took, whoever gives up."""

import asyncio
import contextlib

from pam_rollback.sandbox.product.storage import Storage, StorageUnavailableError
from tests.running_product import Database


def test_requests_that_are_given_up_lose_no_connection(product_database: Database) -> None:
    """At any moment, also while it is given back: else the API would be out of reach of its database for good."""

    async def given_up() -> list[object]:
        storage = Storage(product_database.dsn)
        await storage.open()
        await storage.connected()

        async def visit(patience_s: float) -> None:
            for _ in range(40):
                with contextlib.suppress(TimeoutError, StorageUnavailableError):
                    await asyncio.wait_for(storage.rows("SELECT pg_sleep(0.002)"), patience_s)

        await asyncio.gather(*(visit(0.002 * number) for number in range(1, 80)))
        try:
            return [await storage.rows("SELECT 1 AS one") for _ in range(3)]
        finally:
            await storage.close()

    assert asyncio.run(given_up()) == [[{"one": 1}]] * 3
