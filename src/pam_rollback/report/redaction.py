"""Keeps secrets out of everything that a session writes.

Two nets: the known secrets of the environment in every form in which they can turn up, and shapes that are always
secret (tokens in headers, JSON web tokens, webhook addresses, passwords in connection strings), known or not.

In one module: the forms in which a secret turns up, and the places where each is looked for, have to agree.
"""

import base64
import html
import io
import json
import re
import shutil
import urllib.parse
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pam_rollback.core.outside_text import label, one_line, redacted

if TYPE_CHECKING:
    from pam_rollback.report.run_record import RunRecord

SHORTEST_SECRET: Final = 6
"""Characters. A shorter value is part of ordinary words, and replacing it would destroy the text around it."""

_SHORTEST_LINE: Final = 16  # of a secret of several lines (a private key): shorter ones are frames and rests

_SHORT: Final = 200
"""Characters: names, words and sentences."""

_SENSITIVE_NAMES: Final = frozenset(
    {
        "access_token",
        "api_key",
        "apikey",
        "authorization",
        "client_secret",
        "cookie",
        "password",
        "passwd",
        "proxy-authorization",
        "refresh_token",
        "set-cookie",
        "x-api-key",
    }
)

_FOLDED: Final = re.compile(r"[ \t]*=?\r?\n[ \t>|E│]*")
"""The end of a line within a word: folded, quoted in a mail, or in pytest's own account of a failure."""

_JSON_SUFFIXES: Final = frozenset({".json", ".jsonl", ".har", ".trace", ".network", ".stacks"})

# Each named group is what stays; the rest of its match is the secret.
_SHAPES: Final = re.compile(
    r"""
      (?P<authorization>\b(?:proxy-)?authorization["'\\]*+\s*+[:=]\s*+["'\\]*+(?:(?:bearer|basic|digest|token)\s++)?)
          (?!\[redacted:|(?:bearer|basic|digest|token)\s) [^\s"'\\,;<>{}]{4,}
    | (?P<bearer>\bbearer\s+) (?=[\w.~+/=-]*\d) [\w.~+/=-]{8,}
    | (?P<header>\b(?:set-cookie|cookie|x-api-key)["'\\]*+\s*+:\s*+["'\\]*+) (?!\[redacted:) [^\r\n"'\\]{4,}
    | (?P<jwt>\b) eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*
    | (?P<webhook>hooks\.slack\.com/) (?:services|workflows|triggers)/ [^\s"'\\<>)]+
    | (?P<webhook_path>/services/) T\w+/B\w+/\w+
    | (?P<dsn>\b[a-z][a-z0-9+.-]*://[^\s:/@"'\\]*:) (?!\[redacted:) [^\s@/"'\\]+ (?=@)
    | (?P<query>[?&](?:password|passwd|secret|token|access_token|refresh_token|api_key|apikey|client_secret|signature)=)
          (?!\[redacted:) [^\s&\#"'\\<>]+
    | (?P<password>\bpassword=) (?!\[redacted:) (?:'[^']*'|"[^"]*"|[^\s"'\\,()]{6,})
    """,
    re.VERBOSE | re.IGNORECASE,
)


def _label(name: str) -> str:
    return f"[redacted:{name}]"


class Redactor:
    """Replaces secrets by ``[redacted:NAME]``.

    ``secrets`` maps a name that may be shown (the variable's) to the value that may not; without names every value is called
    *secret*. Values shorter than ``SHORTEST_SECRET`` are left alone and named in ``warnings``; empty ones are ignored.
    """

    def __init__(self, secrets: Mapping[str, str] | Iterable[str]) -> None:
        if isinstance(secrets, str):
            raise TypeError("secrets: expected a mapping of names to values or several values, found one string")
        named = list(secrets.items()) if isinstance(secrets, Mapping) else [("secret", value) for value in secrets]
        self.warnings: tuple[str, ...] = tuple(
            f"{name} has fewer than {SHORTEST_SECRET} characters and is not redacted: use a longer secret"
            for name, value in named
            if 0 < len(value) < SHORTEST_SECRET
        )
        self._names: dict[str, str] = {}
        for name, value in named:
            if len(value) >= SHORTEST_SECRET:
                for form in _forms(value):
                    self._names.setdefault(form, name)
        self._of_short = lru_cache(maxsize=1024)(self._text)

    @cached_property
    def _known(self) -> re.Pattern[str]:
        """Made for the first text that has one of them: most sessions write none."""
        return re.compile("|".join(map(re.escape, sorted(self._names, key=len, reverse=True))))

    @property
    def forms(self) -> Iterable[str]:
        """Every spelling of every known secret."""
        return self._names.keys()

    def text(self, text: str) -> str:
        """The text without secrets."""
        # Of a session's texts five in six are a name or a word that was there before; the long ones are not worth keeping.
        return self._of_short(text) if len(text) <= _SHORT else self._text(text)

    def _text(self, text: str) -> str:
        # A search for each form is many times faster than the expression, and nearly every text is clean.
        if any(form in text for form in self._names):
            text = self._known.sub(lambda match: _label(self._names[match.group()]), text)
        if "\n" in text:
            text = self._unfolded(text)
        return _SHAPES.sub(_without_secret, text)

    def _unfolded(self, text: str) -> str:
        """The text without secrets that go over the end of a line, as in a folded header or a wrapped table."""
        whole = _FOLDED.sub("", text)
        long = [form for form in self._names if len(form) >= _SHORTEST_LINE and form in whole]
        for form in sorted(long, key=len, reverse=True):
            folded = f"(?:{_FOLDED.pattern})*".join(map(re.escape, form))
            text = re.sub(folded, lambda _, name=self._names[form]: _label(name), text)  # type: ignore[misc]
        return text

    def named(self, name: str, value: str) -> str:
        """The value of a header, field or parameter; nothing of it is left when its name says that it is secret."""
        if value and name.strip("\"'").lower() in _SENSITIVE_NAMES and not value.startswith("[redacted:"):
            return _label(name.lower())
        return self.text(value)

    def value(self, value: object) -> object:
        """Without secrets: of JSON-like data a copy; an object with fields, such as Allure's models, is changed and stays itself."""
        return self._clean(value, set())

    def _clean(self, value: object, seen: set[int]) -> object:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._clean(item, seen) for item in value]
        if type(value) is tuple:
            return tuple(self._clean(item, seen) for item in value)
        if id(value) in seen:
            return value
        seen.add(id(value))
        parts = value if isinstance(value, dict) else {name: getattr(value, name, None) for name in _field_names(value)}
        pair = isinstance(parts.get("name"), str) and isinstance(parts.get("value"), str)
        clean = {
            key: self.named(str(parts["name"] if pair and key == "value" else key), item)
            if isinstance(item, str)
            else self._clean(item, seen)
            for key, item in parts.items()
        }
        if isinstance(value, dict):
            return {self.text(key) if isinstance(key, str) else key: item for key, item in clean.items()}
        for name, item in clean.items():
            if item != parts[name]:
                setattr(value, name, item)
        return value

    def file(self, path: Path) -> bool:
        """Takes the secrets out of a file: text, JSON, or the texts in a zip archive (a trace). True when changed.

        In JSON only the strings are touched, so that it stays JSON. Binary files are left alone: ``scan`` tells when
        that is not enough.
        """
        body = path.read_bytes()
        clean = self._archive(path) if zipfile.is_zipfile(path) else self.content(path.name, body)
        if clean == body:
            return False
        new_path = path.with_name(f"{path.name}.redacting")
        new_path.write_bytes(clean)
        shutil.copymode(path, new_path)
        new_path.replace(path)
        return True

    def _archive(self, path: Path) -> bytes:
        """A zip archive whose texts have no secrets: the same bytes where none had one."""
        changed, written = False, io.BytesIO()
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(written, "w") as new:
            for entry in old.infolist():
                body = old.read(entry)
                clean = self.content(entry.filename, body)
                changed = changed or clean != body
                new.writestr(entry, clean, compress_type=entry.compress_type)
        return written.getvalue() if changed else path.read_bytes()

    def content(self, name: str, body: bytes) -> bytes:
        """What a file of that name holds, without secrets; JSON stays JSON, and binary files are left alone."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return body
        if "\0" in text:
            return body
        if Path(name).suffix in _JSON_SUFFIXES or text[:1] in {"{", "["}:
            return self._json(text).encode()
        return self.text(text).encode()

    def _json(self, text: str) -> str:
        """A document, or one on each line; what is none is a text."""
        try:
            document = json.loads(text)
        except ValueError:
            lines = text.splitlines(keepends=True)
            return "".join(map(self._json, lines)) if len(lines) > 1 else self.text(text)
        clean = self.value(document)
        if clean == document:
            return text
        end = "\n" if text.endswith("\n") else ""
        return json.dumps(clean, ensure_ascii=False, separators=(",", ":")) + end


def scan(
    folder: Path,
    secrets: Mapping[str, str] | Iterable[str],
    *,
    unread: Callable[[Path, Exception], object] | None = None,
) -> list[Path]:
    """The files below a folder in which a known secret is still to be found, in any form and also inside of archives.

    The last gate before a run is shared. ``unread`` is told of a file that cannot be read to its end, such as a damaged archive; without it
    that is raised.
    """
    forms = [form.encode() for form in Redactor(secrets).forms]
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        try:
            if any(form in body for body in _bodies(path) for form in forms):
                found.append(path)
        except Exception as error:
            if unread is None:
                raise
            unread(path, error)
    return found


def _bodies(path: Path) -> Iterator[bytes]:
    yield path.name.encode()
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                yield archive.read(entry)


def _forms(secret: str) -> Iterator[str]:
    """The spellings of one secret, without those that are so short that they would hit by chance."""
    plain = {secret, *(line.strip() for line in secret.splitlines() if len(line.strip()) >= _SHORTEST_LINE)}
    for text in plain:
        quoted = {urllib.parse.quote(text, safe=safe) for safe in _LEFT_ALONE} | {urllib.parse.quote_plus(text)}
        lower_hex = {re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), form) for form in quoted}
        # JSON in JSON, a repr of JSON, JSON of a repr: what one writer escaped the next one escapes again.
        once = {form for escape in _ESCAPES for form in (text, escape(text))}
        twice = {escape(form) for escape in _ESCAPES for form in once}
        forms = {*quoted, *lower_hex, *once, *twice, html.escape(text), html.escape(text, quote=False)}
        forms |= set(_base64_forms(text.encode()))
        yield from (form for form in sorted(forms) if len(form) >= SHORTEST_SECRET)


_LEFT_ALONE: Final = ("", "/", "/:@", "!'()*", ";,/?:@&=+$#!'()*")
"""What percent encoders leave as it is: Python's, those of paths and user names, and the two of JavaScript."""
_ESCAPES: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: repr(text)[1:-1],
    # A text with both kinds of quotes around the secret: Python puts it into single ones, and escapes those within.
    lambda text: repr(f'"{text}')[2:-1] if "'" in text else repr(text)[1:-1],
    lambda text: ascii(text)[1:-1],
)


def _base64_forms(secret: bytes) -> Iterator[str]:
    """What a base64 text holds when the secret is anywhere in it: three alignments, less what depends on neighbours."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret).decode().rstrip("=")
        first = (0, 2, 3)[before]
        whole = (before + len(secret)) % 3 == 0
        inside = encoded[first:] if whole else encoded[first:-1]
        yield inside
        yield inside.replace("+", "-").replace("/", "_")


def _without_secret(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind is None:  # cannot be: each branch of the expression has exactly one group
        raise AssertionError(match.re.pattern)
    return match.group(kind) + _label(kind.removesuffix("_path"))


def _field_names(value: object) -> list[str]:
    if isinstance(value, type):
        return []
    if is_dataclass(value):
        return [field.name for field in fields(value)]
    return [attribute.name for attribute in getattr(type(value), "__attrs_attrs__", ())]


def shown(record: "RunRecord", redact: Callable[[str], str] = redacted) -> "RunRecord":
    """A copy in which each text is one line; a release is one word, so that it cannot pass for a verdict.

    Here and not afterwards: a table splits a token over two lines, and Markdown puts a backslash into it.
    """
    clean: RunRecord = mapped(record, lambda text: one_line(redact(text)))
    return replace(
        clean,
        release=None if clean.release is None else label(clean.release),
        releases_seen=tuple(map(label, clean.releases_seen)),
        environment=replace(clean.environment, host=label(clean.environment.host)),
    )


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """A copy in which each text of a dataclass and of its parts was changed."""
    if type(value) is str:
        return change(value)
    if isinstance(value, tuple):
        return tuple(mapped(item, change) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        old = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
        new = {name: mapped(item, change) for name, item in old.items()}
        changed = {name: item for name, item in new.items() if item is not old[name] and item != old[name]}
        return replace(value, **changed) if changed else value
    return value
