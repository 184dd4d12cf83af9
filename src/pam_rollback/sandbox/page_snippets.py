"""What makes the page itself bad: each file below `page_faults/` is a style or a script that the front end's page can carry."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("page_faults")
_END_OF_HEAD = "</head>"


@dataclass(frozen=True)
class _Kind:
    """How a snippet stands in the page, and which directive of its content security policy has to allow it."""

    element: str
    directive: str
    comment: tuple[str, str]


_KINDS: Mapping[str, _Kind] = {
    ".css": _Kind("style", "style-src", ("/* ", " */")),
    ".js": _Kind("script", "script-src", ("// ", "")),
}


@dataclass(frozen=True)
class Snippet:
    """One way in which the page can be bad. `name` is that of its file."""

    name: str
    text: str

    @property
    def summary(self) -> str:
        """What it does: the comment in its first line."""
        begin, end = self._kind.comment
        return self.text.partition("\n")[0].removeprefix(begin).removesuffix(end)

    @property
    def element(self) -> str:
        """It as an element of the page."""
        return f"<{self._kind.element}>{self.text}</{self._kind.element}>"

    @property
    def permission(self) -> tuple[str, str]:
        """The directive of the page's content security policy, and the hash that lets exactly this snippet pass."""
        digest = b64encode(hashlib.sha256(self.text.encode()).digest()).decode()
        return self._kind.directive, f"'sha256-{digest}'"

    @property
    def _kind(self) -> _Kind:
        return _KINDS[Path(self.name).suffix]


def snippet_names(folder: Path = FOLDER) -> tuple[str, ...]:
    """The names of all snippets that there are."""
    return tuple(sorted(file.name for file in folder.iterdir() if file.suffix in _KINDS))


def read_snippet(name: str, folder: Path = FOLDER) -> Snippet:
    """The snippet of that name, which is one of `snippet_names`."""
    return Snippet(name, (folder / name).read_text(encoding="utf-8"))


def spoilt_page(page: str, snippets: Iterable[Snippet]) -> str:
    """The page with the snippets at the end of its head: in force before the application, which is a deferred module, starts."""
    for snippet in snippets:
        directive, source = snippet.permission
        page = page.replace(f"{directive} 'self'", f"{directive} 'self' {source}", 1)
        page = page.replace(_END_OF_HEAD, f"  {snippet.element}\n  {_END_OF_HEAD}", 1)
    return page
