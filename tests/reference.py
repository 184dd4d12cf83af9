"""The reference pages, made from the code: ``python -m tests.reference`` writes them, ``test_reference.py`` compares them."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pam_rollback.core.plan import load_plan
from pam_rollback.plugin import markers, options
from tests.core.test_known_gaps import items_with_a_test

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference"
_MADE = "Made by `make reference` from the code; a test compares the two."


class _Options:
    """Stands in for pytest's parser and hears of the suite's options."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []

    def getgroup(self, *_: object) -> "_Options":
        """The group itself."""
        return self

    def addoption(self, name: str, **told: object) -> None:
        """Remember the option, what it takes and what it means."""
        takes = told.get("metavar") or "|".join(map(str, told.get("choices") or ()))  # type: ignore[call-overload]
        self.rows.append((f"`{name} {takes}`".replace(" `", "`"), str(told.get("help", ""))))


def pages() -> Mapping[str, str]:
    """File name and text of each page."""
    return {"options.md": _options(), "markers.md": _markers(), "plan-items.md": _items()}


def _options() -> str:
    heard = _Options()
    options.pytest_addoption(heard)  # type: ignore[arg-type]
    return _page(
        "Options",
        "What the suite adds to pytest. `pytest --help` says the same.",
        _table(("option", "meaning"), heard.rows),
    )


def _markers() -> str:
    groups = (
        ("Phases", "When a test has its place. Those with a star run only when `-m` names them.", markers.PHASES),
        ("Kinds", "What a test looks at.", markers.KINDS),
        ("Safety", "What a test does besides looking.", markers.SAFETY),
        ("Weight", "What it counts.", markers.WEIGHT),
    )
    parts = []
    for title, what, marks in groups:
        rows = [
            (f"`{name}`{'*' if name in markers.ONLY_WHEN_NAMED else ''}", meaning) for name, meaning in marks.items()
        ]
        parts.append(f"## {title}\n\n{what}\n\n{_table(('marker', 'meaning'), rows)}")
    arguments = [tuple(text.split(": ", 1)) for text in (markers.CRITERION, markers.ELEMENTS)]
    rows = [(f"`{name}`", meaning) for name, meaning in arguments]
    parts.append(f"## With arguments\n\n{_table(('marker', 'meaning'), rows)}")
    return _page("Markers", "For `-m`, in any combination: `pytest -m 'health or integrity'`.", "\n\n".join(parts))


def _items() -> str:
    tests = items_with_a_test()
    rows = [
        (f"`{item.id}`", item.title, ", ".join(_short(tests.get(item.id, ()))))
        for item in load_plan(ROOT / "plan.toml").items()
    ]
    return _page(
        "Plan items",
        "Every item of `plan.toml`, and the files whose tests judge it: `pytest --item SC-1` runs those. An item without\n"
        "a file is in `tests/known_gaps.toml`, with the reason.",
        _table(("item", "what the plan asks for", "judged in"), rows),
    )


def _short(files: Iterable[str]) -> Iterator[str]:
    """The files; of one folder's queries only the folder."""
    found = dict.fromkeys(
        "`checks/integrity/`" if file.endswith(".sql") else f"`{file.removeprefix('src/')}`" for file in sorted(files)
    )
    yield from found


def _page(title: str, what: str, body: str) -> str:
    return f"# {title}\n\n{what} {_MADE}\n\n{body}\n".replace(". " + _MADE, f".\n\n{_MADE}")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")
