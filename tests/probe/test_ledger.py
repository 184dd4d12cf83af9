"""The write ledger against a product that loses, alters, duplicates and refuses by plan."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pam_rollback.core.errors import MeasurementFailed
from pam_rollback.core.wait import Waiter
from pam_rollback.probe.journeys import SignIn
from pam_rollback.probe.ledger import Ledger, LedgerRecord
from pam_rollback.probe.ledger_config import LedgerConfig, WriteKind
from pam_rollback.probe.ledger_verdict import LedgerState, LedgerVerdict, judge

if TYPE_CHECKING:
    from tests.probe.conftest import Reply, Request, Server


class Product:
    """The part of PAM that the ledger writes to, with all that it stores in plain sight."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.token = "token-1"
        self.expenses: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self.settings: dict[str, Any] = {"theme": "dark"}
        self.trouble: Callable[[], Reply | None] = lambda: None
        """What is answered instead, after the write was stored; None for the true answer."""
        self._ids = itertools.count(1)
        self._routes: dict[str, Callable[[dict[str, Any]], object]] = {
            "POST /expenses": self._book,
            "POST /chat": self._chat,
            "PUT /settings": self._set,
            "GET /expenses": lambda query: {"expenses": self.expenses[-query["limit"] :]},
            "GET /history": lambda query: {"messages": self.messages[-query["limit"] :]},
            "GET /settings": lambda _: {"settings": self.settings},
        }
        server.respond = self.respond

    def respond(self, request: Request) -> Reply:
        """Answer as the product does."""
        if request.path == "/login":
            return self.server.json({"access_token": self.token})
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return self.server.json({"detail": "sign in"}, 401)
        if request.method == "DELETE":
            self.expenses = [row for row in self.expenses if not request.path.endswith(f"/{row['id']}")]
            return self.server.json({})
        given = json.loads(request.body) if request.body else {k: int(v[0]) for k, v in request.query.items()}
        document = self._routes[f"{request.method} {request.path}"](given)
        return self.trouble() or self.server.json(document, 201 if request.method == "POST" else 200)

    def _book(self, body: dict[str, Any]) -> object:
        self.expenses.append({"id": next(self._ids), **body})
        return self.expenses[-1]

    def _set(self, body: dict[str, Any]) -> object:
        self.settings |= body["settings"]
        return {"settings": self.settings}

    def _chat(self, body: dict[str, Any]) -> object:
        self.messages.append({"id": f"u{next(self._ids)}", "role": "user", "content": body["message"]})
        self.messages.append({"id": "a", "role": "assistant", "content": f"You said {body['message']}"})
        return {"response": "ok", "message_id": "a"}


@pytest.fixture
def product(server: Server) -> Product:
    """Give a product that works."""
    return Product(server)


def config(url: str, **changes: object) -> LedgerConfig:
    """Forty writes a second, unless a test wants something else."""
    return LedgerConfig.model_validate(
        {
            "sign_in": SignIn(url=url + "/login", email="t@example.org", password="pass-word-1"),
            "expenses": {"url": url + "/expenses", "items": "/expenses"},
            "chat": {"url": url + "/chat"},
            "history": {"url": url + "/history", "items": "/messages"},
            "settings": {"url": url + "/settings"},
            "rate_hz": 40,
            "timeout_s": 0.5,
            **changes,
        }
    )


def verdict_of(ledger: Ledger, *, moments_s: Sequence[float] = (), within_s: float = 15.0) -> LedgerVerdict:
    """Stop writing, read everything back and judge every write."""
    reading = ledger.read_back(within_s=within_s)
    ledger.refuse_nothing(reading)
    return judge(ledger.record.writes, reading, moments_s=moments_s)


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition, with a limit."""
    Waiter().until(condition, holds=bool, within_s=10, what=what, every_s=0.02)


def test_everything_kept(server: Server, product: Product, tmp_path: Path) -> None:
    """Expenses, messages and a setting are written all the time, and all are found again."""
    product.expenses.append({"id": 0, "amount": 5, "category": "fuel", "description": "of a person"})
    with Ledger(config(server.url), tmp_path / "ledger.jsonl") as ledger:
        ledger.wait_for_acknowledged(20, within_s=10)
        moment_s = time.monotonic()
        ledger.wait_for_acknowledged(40, within_s=10)
        verdict = verdict_of(ledger, moments_s=[moment_s])

    assert verdict.state is LedgerState.KEPT, verdict
    assert verdict.acknowledged >= 40
    assert {write.kind for write in ledger.record.writes} == {WriteKind.CHAT, WriteKind.EXPENSE, WriteKind.SETTING}
    assert (tmp_path / "ledger.jsonl").stat().st_mode & 0o077 == 0
    assert all("pass-word-1" not in file.read_text() for file in tmp_path.iterdir())


def test_planted_damage_is_found_exactly(server: Server, product: Product, tmp_path: Path) -> None:
    """Two expenses and a message vanish, one amount changes, one row is there twice: exactly that is found."""
    with Ledger(config(server.url), tmp_path / "ledger.jsonl") as ledger:
        ledger.wait_for_acknowledged(40, within_s=10)
        ledger.stop()
        lost = {product.expenses.pop(3)["description"], product.expenses.pop(5)["description"]}
        lost.add(product.messages.pop(4)["content"].partition(":")[0])
        product.expenses[7]["amount"] = 999
        product.expenses.append({**product.expenses[2], "id": 7777})
        verdict = verdict_of(ledger)

    assert verdict.state is LedgerState.DAMAGED
    assert set(verdict.lost_markers) == lost
    assert verdict.altered_markers == (product.expenses[7]["description"],)
    assert verdict.duplicated_markers == (product.expenses[2]["description"],)
    assert verdict.present == verdict.acknowledged - 5


def test_a_setting_that_fell_back_is_lost_configuration(server: Server, product: Product, tmp_path: Path) -> None:
    """A setting restored to an older value lost every later change."""
    with Ledger(config(server.url, weights={"setting": 1}), tmp_path / "ledger.jsonl") as ledger:
        ledger.wait_for_acknowledged(3, within_s=10)
        before = product.settings["rollback_ledger"]
        ledger.wait_for_acknowledged(10, within_s=10)
        ledger.stop()
        product.settings["rollback_ledger"] = before
        verdict = verdict_of(ledger)

    assert verdict.state is LedgerState.DAMAGED
    assert verdict.configuration_loss_s is not None
    assert verdict.lost >= 6


def test_an_outage_leaves_indeterminate_writes(server: Server, product: Product, tmp_path: Path) -> None:
    """Writes that were stored but answered with an error, a page or silence are recovered, and none is lost."""
    troubles = itertools.cycle(
        [
            server.json({}, 503),
            replace(server.healthy(), content_type="text/html", body=b"<!doctype html>"),
            replace(server.healthy(), after_s=60),
            replace(server.healthy(), raw=b""),
        ]
    )
    with Ledger(config(server.url), tmp_path / "ledger.jsonl") as ledger:
        ledger.wait_for_acknowledged(8, within_s=10)
        product.trouble = lambda: next(troubles)
        eventually(
            lambda: sum(bool(write.why) for write in ledger.record.writes) >= 12, "writes without acknowledgement"
        )
        product.trouble = lambda: None
        ledger.wait_for_acknowledged(ledger.record.acknowledged + 8, within_s=10)
        verdict = verdict_of(ledger)
    reasons = {write.why for write in ledger.record.writes if write.why}

    assert (verdict.state, verdict.lost) == (LedgerState.KEPT, 0), verdict
    assert verdict.recovered >= 6
    assert {"HTTP 503", "HTTP 200, but not a JSON object", "no answer within 0.5 s"} <= reasons


def test_a_lost_session_is_renewed(server: Server, product: Product, tmp_path: Path) -> None:
    """Sessions may be lost in a rollback, but signing in again must work, and the ledger shows whether it did."""
    with Ledger(config(server.url), tmp_path / "ledger.jsonl") as ledger:
        ledger.wait_for_acknowledged(5, within_s=10)
        product.token = "token-2"
        eventually(lambda: len(ledger.record.sign_ins) >= 2, "another sign-in")
        ledger.wait_for_acknowledged(ledger.record.acknowledged + 5, within_s=10)

    assert [attempt.worked for attempt in ledger.record.sign_ins] == [True, True]


@pytest.mark.usefixtures("product")
def test_a_reading_that_may_be_cut_off_is_unknown(server: Server, tmp_path: Path) -> None:
    """As many rows as were asked for may not be all: what is not among them is not called lost."""
    order = config(server.url, read_rows_max=5)
    with Ledger(order, tmp_path / "ledger.jsonl") as ledger:
        ledger.wait_for_acknowledged(20, within_s=10)
        verdict = verdict_of(ledger, within_s=0.5)

    assert (verdict.state, verdict.lost) == (LedgerState.UNKNOWN, 0)
    assert "there may be more" in str(verdict)


def test_a_product_that_has_only_just_recovered_is_read_later(server: Server, product: Product, tmp_path: Path) -> None:
    """The final reading tries again for a while: a first error is not the end."""
    with Ledger(config(server.url), tmp_path / "ledger.jsonl") as ledger:
        ledger.wait_for_acknowledged(10, within_s=10)
        ledger.stop()
        errors = [server.json({}, 503)] * 2
        product.trouble = lambda: errors.pop() if errors else None
        verdict = verdict_of(ledger)

    assert verdict.state is LedgerState.KEPT


@pytest.mark.long_matrix(first=2)
@pytest.mark.parametrize("trouble", ["503", "page", "drip", "refuses"])
def test_nothing_readable_is_an_error(server: Server, product: Product, tmp_path: Path, trouble: str) -> None:
    """A product that gives nothing back leaves us without knowledge: that is not zero loss."""
    with Ledger(config(server.url), tmp_path / "ledger.jsonl") as ledger:
        ledger.wait_for_acknowledged(5, within_s=10)
        ledger.stop()
        replies = {
            "503": server.json({}, 503),
            "page": replace(server.healthy(), content_type="text/html", body=b"<!doctype html>"),
            "drip": replace(server.healthy(), drip=True),
        }
        if trouble == "refuses":
            server.refuse()
        product.trouble = lambda: replies[trouble]
        with pytest.raises(MeasurementFailed, match="nothing of the ledger could be read back"):
            verdict_of(ledger, within_s=0.5)


def test_clean_up_removes_what_the_ledger_made(server: Server, product: Product, tmp_path: Path) -> None:
    """Only its own expenses are deleted."""
    product.expenses.append({"id": 0, "amount": 5, "category": "fuel", "description": "of a person"})
    with Ledger(config(server.url), tmp_path / "ledger.jsonl") as ledger:
        ledger.wait_for_acknowledged(10, within_s=10)
        ledger.stop()
        made = len(product.expenses) - 1
        assert ledger.clean_up() == made

    assert [row["description"] for row in product.expenses] == ["of a person"]


@pytest.mark.usefixtures("product")
def test_a_killed_ledger_leaves_a_usable_record(server: Server, tmp_path: Path) -> None:
    """What was acknowledged before ``kill -9`` is on disk; that it stopped is noticed."""
    ledger: Ledger
    with Ledger(config(server.url), tmp_path / "ledger.jsonl") as ledger:
        ledger.wait_for_acknowledged(10, within_s=10)
        os.kill(ledger.pid, signal.SIGKILL)
        eventually(lambda: not ledger._child.alive, "its death")
        with pytest.raises(MeasurementFailed, match="the ledger ended with -9"):
            ledger.wait_for_acknowledged(10_000, within_s=5)
    record = LedgerRecord(tmp_path / "ledger.jsonl")

    assert record.acknowledged >= 10
    assert judge(record.writes, None).state is LedgerState.UNKNOWN


def test_waiting_in_vain_says_what_was_answered(server: Server, product: Product, tmp_path: Path) -> None:
    """When nothing is acknowledged, the error names the answers that came instead."""
    product.trouble = lambda: server.json({}, 418)
    with Ledger(config(server.url), tmp_path / "ledger.jsonl") as ledger:
        Waiter().until(
            lambda: ledger.record.path.exists() and [write.why for write in ledger.record.writes if write.why],
            holds=bool,
            within_s=30,
            what="an answer is on record",
        )
        with pytest.raises(
            MeasurementFailed, match=r"0 of 5 writes acknowledged after 0\.1 s; answers instead: HTTP 418"
        ):
            ledger.wait_for_acknowledged(5, within_s=0.1)


SENT = '{"sent":{"seq":%d,"kind":"expense","marker":"ledger-run1-%06d","value":"1.00 fuel","at_s":%d.25}}\n'
ACKED = '{"acked":{"seq":%d,"at_s":%d.75,"row_id":"7"}}\n'


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('{"acked":{"seq":3,"at_s":1.0,"row_id":null}}\n', "write 3 was acknowledged, but never sent"),
        (SENT % (0, 0, 1) + ACKED % (1, 1), "write 1 was acknowledged, but never sent"),
        (SENT % (0, 0, 1) + SENT % (2, 2, 2), "write 2 follows upon 0: the ledger's record is not complete"),
        (SENT % (0, 0, 1) + SENT % (1, 0, 2), "stands for two writes"),
        (SENT % (0, 0, 1) + '{"sent":{"seq":1}}\n', "not of the kind expected"),
        (SENT % (0, 0, 1) + "x" + SENT % (1, 1, 1), "line 2: expected a JSON object"),
        (SENT % (0, 0, 1) + SENT.replace("expense", "refund") % (1, 1, 1), "not of the kind expected"),
        (SENT % (0, 0, 1) + '{"unacked":{"seq":1,"at_s":1.0,"why":"HTTP 503"}}\n', "not of the kind expected"),
        (SENT % (0, 0, 1) + '{"unacked":{"seq":-1,"at_s":1.0,"why":"HTTP 503"}}\n', "not of the kind expected"),
    ],
)
def test_a_damaged_record_is_said(tmp_path: Path, lines: str, expected: str) -> None:
    """A line of another kind, a missing line, or an acknowledgement of a write that was never sent, is no ledger."""
    path = tmp_path / "ledger.jsonl"
    path.write_text(lines)

    with pytest.raises(MeasurementFailed, match=expected):
        _ = LedgerRecord(path).writes


class Rest(Product):
    """The same where expenses are rows of Supabase's REST, which gives few of them in one answer."""

    def respond(self, request: Request) -> Reply:
        """As PostgREST does, with row level security."""
        if request.path == "/login":
            return self.server.json({"access_token": self.token, "user": {"id": "u-1"}})
        if request.headers.get("apikey") != "key-1":
            return self.server.json({"message": "No API key found in request"}, 401)
        asked = {name: values[-1].partition(".")[2] for name, values in request.query.items()}
        if request.method == "POST":
            row = {"id": next(self._ids), **json.loads(request.body)}
            if set(row) != {"id", "user_id", "amount", "category", "date", "description"} or row["user_id"] != "u-1":
                return self.server.json({"code": "42501"}, 403)
            self.expenses.append(row)
            told = [row] if request.headers.get("prefer") == "return=representation" else []
            return self.trouble() or self.server.json(told, 201)
        if request.method == "DELETE":
            gone = asked["id"].strip("()").split(",")
            self.expenses = [row for row in self.expenses if str(row["id"]) not in gone]
            return self.server.json([], 200)
        assert (request.query["order"], asked["user_id"]) == (["id.asc"], "u-1")
        own = [row for row in self.expenses if row["description"].startswith(asked["description"].rstrip("*"))]
        behind = [row for row in own if row["id"] > int(asked.get("id", -1))]
        return self.trouble() or self.server.json(behind[:ROWS_IN_ONE_ANSWER])


ROWS_IN_ONE_ANSWER = 7


def at_supabase(url: str, **changes: object) -> LedgerConfig:
    """Expenses alone, as rows."""
    place = {
        "url": url + "/rest/v1/expenses?user_id=eq.{user_id}&order=created_at.desc",
        "headers": {"apikey": "key-1"},
        "are_rows": True,
    }
    return config(url, **{"weights": {"expense": 5}, "expenses": place, **changes})


def test_rows_are_written_found_and_deleted(server: Server, tmp_path: Path) -> None:
    """More of them than one answer gives; another person's stays, and what is gone or another is named."""
    product = Rest(server)
    product.expenses.append({"id": 0, "amount": 5, "category": "fuel", "description": "of a person"})
    with Ledger(at_supabase(server.url), tmp_path / "ledger.jsonl") as ledger:
        ledger.wait_for_acknowledged(3 * ROWS_IN_ONE_ANSWER, within_s=10)
        kept = verdict_of(ledger)
        lost = product.expenses.pop(3)["description"]
        product.expenses[9]["amount"] = 999
        harmed = verdict_of(ledger)
        ledger.clean_up()

    assert kept.state is LedgerState.KEPT, kept
    assert kept.present >= 3 * ROWS_IN_ONE_ANSWER
    assert {write.kind for write in ledger.record.writes} == {WriteKind.EXPENSE}
    assert (harmed.lost_markers, harmed.altered) == ((lost,), 1), harmed
    assert [row["description"] for row in product.expenses] == ["of a person"]
    assert all("key-1" not in file.read_text() for file in tmp_path.iterdir())


@pytest.mark.parametrize("answer", [[], [{}, {}], {"code": "42501"}])
def test_a_row_that_is_not_given_back_is_not_acknowledged(server: Server, tmp_path: Path, answer: object) -> None:
    """Whatever its status: it is one row, or nobody knows that it is there."""
    product = Rest(server)
    product.trouble = lambda: server.json(answer, 201)
    with Ledger(at_supabase(server.url), tmp_path / "ledger.jsonl") as ledger:
        eventually(lambda: ledger.record.path.exists() and any(one.why for one in ledger.record.writes), "an answer")

    assert ledger.record.acknowledged == 0
    assert any("but not the row that was written" in one.why for one in ledger.record.writes)


def test_rows_that_do_not_end_are_not_read(server: Server, tmp_path: Path) -> None:
    """A host that gives the same rows again and again, or none that are rows, leaves unknown what became of the writes."""
    product = Rest(server)
    with Ledger(at_supabase(server.url), tmp_path / "ledger.jsonl") as ledger:
        ledger.wait_for_acknowledged(5, within_s=10)
        ledger.stop()
        for answer, why in (([{"id": 4}], "the same rows"), ({"rows": []}, "without a list of rows")):
            product.trouble = lambda answer=answer: server.json(answer)  # type: ignore[misc]
            with pytest.raises(MeasurementFailed, match=why):
                verdict_of(ledger, within_s=0.5)
