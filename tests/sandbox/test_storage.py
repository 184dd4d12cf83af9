"""The product's way to its database gives back what it took, whoever gives up."""

import asyncio
import contextlib
import time

from pam_sandbox.product.storage import Storage, StorageUnavailableError
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


def test_a_machine_that_stands_still_is_no_outage(product_database: Database) -> None:
    """More requests than connections wait while nothing runs for a second: the database was there all the time."""

    async def stalled() -> list[object]:
        storage = Storage(product_database.dsn)
        await storage.open()
        await storage.connected()

        async def stall() -> None:
            for _ in range(3):
                await asyncio.sleep(0.05)
                time.sleep(1)  # noqa: ASYNC251 - that is the fault

        asked = (storage.rows("SELECT pg_sleep(0.02)") for _ in range(60))
        try:
            *_, answers = await asyncio.gather(stall(), asyncio.gather(*asked, return_exceptions=True))
            return [one for one in answers if isinstance(one, BaseException)]
        finally:
            await storage.close()

    assert asyncio.run(stalled()) == []
