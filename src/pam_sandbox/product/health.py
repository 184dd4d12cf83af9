"""Health answers that say what is true now: nothing is cached, and a dependency that does not answer within a second is down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from pam_sandbox.database import migrations
from pam_sandbox.product.chat import ModelUnavailableError, know, think
from pam_sandbox.product.services import CONTENT_TYPE, Parts, Services, resident_bytes
from pam_sandbox.product.storage import State, StorageUnavailableError

router = APIRouter()

LIMIT_S = 1.0
"""The longest that one dependency may take."""

_READ = ["GET", "HEAD"]
# What the code expects, from its own package: what the database has is another question.
_SCHEMA_VERSION = migrations()[-1].version
_PROBE_QUESTION = "How much did I spend this month?"


_Work = Callable[[Services], Coroutine[Any, Any, str]]


@router.api_route("/health", methods=_READ)
async def health(parts: Parts) -> JSONResponse:
    """Whether this release can serve: its process and its database."""
    return await _answer(parts, {"database": _database}, service="pam-api", version=parts.config.version)


@router.api_route("/health/db", methods=_READ)
async def health_database(parts: Parts) -> JSONResponse:
    """Whether the database answers a query on the product's tables."""
    return await _answer(parts, {"database": _database}, show="checks")


@router.api_route("/health/pam", methods=_READ)
async def health_pam(parts: Parts) -> JSONResponse:
    """Whether PAM can answer somebody: flags, database, and a question through the chat's own pipeline, without storing it."""
    return await _answer(parts, {"database": _database, "flags": _flags, "chat": _chat}, show="checks")


@router.api_route("/health/comprehensive", methods=_READ)
async def health_comprehensive(parts: Parts) -> JSONResponse:
    """Everything together."""
    api = {"status": "healthy", "uptime_s": round((datetime.now(UTC) - parts.started_at).total_seconds(), 1)}
    memory = {"status": "healthy", "resident_bytes": resident_bytes()}
    works = {"database": _database, "flags": _flags, "pam": _chat}
    return await _answer(parts, works, show="components", also={"api": api, "memory": memory})


@router.api_route("/health/circuit-breakers", methods=_READ)
async def health_circuit_breakers(parts: Parts) -> JSONResponse:
    """How each circuit breaker stands. 200 whatever they say, as the product answers."""
    all_closed = all(breaker.state is State.CLOSED for breaker in parts.breakers)
    states = {
        breaker.name: {"state": breaker.state, "failures": breaker.failures, "opened": breaker.opened}
        for breaker in parts.breakers
    }
    status = "healthy" if all_closed else "degraded"
    return JSONResponse({"status": status, "release": parts.config.version, "circuit_breakers": states})


@router.get("/version")
async def version(parts: Parts) -> dict[str, str]:
    """Which code runs, since when, and the newest migration that it was built with."""
    return {
        "release": parts.config.version,
        "commit": parts.config.commit,
        "schema_version": _SCHEMA_VERSION,
        "started_at": parts.started_at.isoformat(),
    }


@router.get("/metrics")
async def metrics(parts: Parts) -> Response:
    """Prometheus metrics of this release."""
    return Response(parts.metrics.exposition(), media_type=CONTENT_TYPE)


async def _answer(
    parts: Services,
    works: Mapping[str, _Work],
    *,
    show: str = "",
    also: Mapping[str, Any] | None = None,
    **more: str,
) -> JSONResponse:
    found = dict(zip(works, await asyncio.gather(*(_checked(parts, work) for work in works.values())), strict=True))
    issues = [f"{name}: {check['problem']}" for name, check in found.items() if "problem" in check]
    body: dict[str, Any] = {
        "status": "unhealthy" if issues else "healthy",
        "release": parts.config.version,
        "commit": parts.config.commit,
        "timestamp": datetime.now(UTC).isoformat(),
        **more,
        **({show: {**found, **(also or {})}} if show else {}),
        "issues": issues,
    }
    return JSONResponse(body, HTTPStatus.SERVICE_UNAVAILABLE if issues else HTTPStatus.OK)


async def _checked(parts: Services, work: _Work) -> dict[str, Any]:
    began_s = time.perf_counter()
    task = asyncio.create_task(_guarded(work(parts)))
    # Waited for and not awaited: cancelling a query on a frozen server can itself take seconds, and this answer may not.
    done, _ = await asyncio.wait({task}, timeout=LIMIT_S)
    if not done:
        task.cancel()
    problem = task.result() if done else f"no answer within {LIMIT_S:g} s"
    took = {"response_time_ms": round((time.perf_counter() - began_s) * 1000, 1)}
    return {"status": "unhealthy", **took, "problem": problem} if problem else {"status": "healthy", **took}


async def _guarded(work: Coroutine[Any, Any, str]) -> str:
    try:
        return await work
    except StorageUnavailableError:
        return "the database cannot be reached"
    except ModelUnavailableError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever stops a check is what the check has found
        # Only the kind: the words of a driver may name addresses and accounts, and this answer is public.
        return f"could not be checked ({type(error).__name__})"


async def _database(parts: Services) -> str:
    row = await parts.storage.row("SELECT EXISTS (SELECT FROM profiles) AS has_profiles")
    return "" if row is not None and row["has_profiles"] else "no profile can be seen"


async def _flags(parts: Services) -> str:
    return "" if await parts.flags.fresh() else "there are no feature flags"


async def _chat(parts: Services) -> str:
    somebody = await parts.storage.row("SELECT id FROM profiles ORDER BY id LIMIT 1")
    facts = None if somebody is None else await know(parts, somebody["id"])
    if facts is None:
        return "nobody is there to ask"
    return (
        "" if facts.spent in think(parts, _PROBE_QUESTION, facts).text else "the answer does not know the month's total"
    )
