"""Each contract of pyproject.toml is seen red once: on the imports of the source as they are, and one wrong one among them."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract
from importlinter.domain.contract import Contract

ROOT = Path(__file__).resolve().parents[1]
CONFIGURATION = read_configuration(str(ROOT / "pyproject.toml"))
CONTRACTS: Mapping[str, Mapping[str, Any]] = {each["name"]: each for each in CONFIGURATION["contracts_options"]}
KINDS: Mapping[str, Callable[..., Contract]] = {
    "layers": LayersContract,
    "independence": IndependenceContract,
    "forbidden": ForbiddenContract,
}

_READ_ANEW = 3
LAYERS = "leaves over session and topics over the foundation; leaves do not know each other, and nobody knows them"
ROOMS = (
    "in a slice, rules know nobody, clients know rules, the service both, and fixtures, hooks and the command know "
    "the service"
)
TOPICS = "topics, and the session, know of each other only this"
PURE = "rules and the lower foundation are pure: no I/O libraries, no session, no sandbox"
PYTEST = "pytest, Allure and the session stay in session, report, fixtures and hooks"
PROVIDERS = "a provider is known in its own folder, where it is found by its name, and by a tracker"
SANDBOX = "the sandbox is driven by drills and by the guard that proves it; everybody else meets it over HTTP"
WRONG = [
    (LAYERS, "base.clock", "plan.plan"),
    (LAYERS, "session.verdict", "gate.hooks"),
    (LAYERS, "journal.undoing", "report.run_record"),
    (LAYERS, "alerts.service.loaded", "gate.rules"),
    (ROOMS, "gate.rules.stages", "gate.client"),
    (ROOMS, "rollback.providers.netlify.netlify", "rollback.engine.steps"),
    (ROOMS, "records.client.metrics", "records.service.requests_seen"),
    (TOPICS, "exposure.rules.access", "ledger.rules.ledger_config"),
    (TOPICS, "session.verdict", "checklist.fixtures.checklist"),
    (TOPICS, "session.verdict", "decision.rules.decision"),
    (TOPICS, "session.record", "rollback.service.planned"),
    (TOPICS, "session.verdict", "rollback.engine.steps"),
    (TOPICS, "browser.hooks", "rollback.service.planned"),
    (TOPICS, "baseline.fixtures.baseline", "browser.rules.barriers"),
    (TOPICS, "preflight.hooks", "integrity.client.rows_seen"),
    (PURE, "health.rules.circuit_breakers", "subprocess"),
    (PURE, "health.rules.circuit_breakers", "outside.http"),
    (PYTEST, "gate.service.migration_trial", "session.runbook"),
    (PROVIDERS, "records.service.requests_seen", "rollback.providers.render.render_api"),
    (PROVIDERS, "rollback.strategies.backend", "rollback.providers.netlify.netlify"),
    ("the HTTP client is known in one module", "outside.http", "httpx"),
    ("the sandbox shares no code with what probes it", "sandbox.faults", "base.clock"),
    (SANDBOX, "rollback.strategies.frontend", "sandbox.remote"),
    (SANDBOX, "communication.fixtures.communication", "sandbox.launch"),
]
"""By contract: who must not import whom."""


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    """Who imports whom in the source, as ``make lint`` sees it. Read anew when a file is moved or removed meanwhile, as by a rebase."""
    for _ in range(_READ_ANEW):
        with suppress(FileNotFoundError):
            return _graph()
    return _graph()


def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("pam_rollback", include_external_packages=True, cache_dir=None)


def is_kept(name: str, imports: grimp.ImportGraph) -> bool:
    """Whether this contract holds. It is checked on a copy: a check takes away what is allowed."""
    options = CONTRACTS[name]
    contract = KINDS[options["type"]](
        name=name, session_options=CONFIGURATION["session_options"], contract_options=dict(options)
    )
    return bool(contract.check(deepcopy(imports), verbose=False).kept)


def test_each_contract_has_its_wrong_import() -> None:
    """One that nobody has seen red may be one that cannot be broken."""
    assert {name for name, _, _ in WRONG} == {*CONTRACTS}


@pytest.mark.parametrize("name", CONTRACTS)
def test_it_holds(name: str, imports: grimp.ImportGraph) -> None:
    """Else a wrong import below would find it red already."""
    assert is_kept(name, imports)


@pytest.mark.parametrize(("name", "importer", "imported"), WRONG)
def test_a_wrong_import_breaks_it(name: str, importer: str, imported: str, imports: grimp.ImportGraph) -> None:
    """One line is enough."""
    wrong = deepcopy(imports)
    for module in (importer, imported):
        assert full(module) in imports.modules, module
    wrong.add_import(importer=full(importer), imported=full(imported))

    assert not is_kept(name, wrong)


@pytest.mark.parametrize(("name", "folder"), [(LAYERS, "drawer"), (ROOMS, "gate.drawer"), (ROOMS, "health.utilities")])
def test_an_undeclared_folder_breaks_it(name: str, folder: str, imports: grimp.ImportGraph) -> None:
    """Whoever adds a slice, or a room, says where it stands."""
    more = deepcopy(imports)
    more.add_module(full(folder))

    assert not is_kept(name, more)


def full(module: str) -> str:
    """Its whole name; what is not ours has it already."""
    return module if module in {"httpx", "pytest", "subprocess"} else f"pam_rollback.{module}"
