"""Whether a page that was answered with 200 is the site, or only an error that looks like a page.

A host of single-page sites answers every address with 200 and HTML. So a page is judged by its own words, by the scripts and styles that it
names (each must be what it says, and not the page again), and, where there is a browser, by what is rendered. What cannot be seen without
a browser: a bundle that was built without its variables is served like a good one. Why these words: docs/decisions/healthy-answers.md.

In one module: of a page only that is read by which it is judged.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser

from pam_rollback.core.addresses import is_loopback, server_of
from pam_rollback.core.answer import Answer
from pam_rollback.core.figures import Fact, Measured
from pam_rollback.core.outside_text import cut

ITEM = "HC-1"
"""The health check of the plan that it belongs to."""
ASSETS_MAX = 24
"""Scripts and styles of one page that are looked at, scripts first. What a page names beyond that is told as not seen."""
IMPORTS_MAX = 6
"""Files beside the scripts of a page that are read for what they name: a scanner is banned for asking for many addresses."""
LATER_SAMPLED, LATER_ALL = 12, 400
"""Files that its scripts load later, each page its own: so many are looked at by whoever waits for a verdict, and so many at most."""
ASSET_BYTES = 4096
"""The start of a file shows what it is."""
_OK, _PARTIAL, _SERVER_ERROR = 200, 206, 500
_ERROR_SCREEN = r"""(?ix) ^\W*(?:
      (?:oops|whoops|uh[- ]?oh)\b
    | something\ (?:went|has\ gone)\ (?:badly\ )?wrong
    | (?:an?\ )?(?:unexpected\ |internal\ |unknown\ |fatal\ )*(?:application\ |server\ |client[- ]side\ )*(?:error|exception)
      \ (?:has\ |just\ )?(?:occurred|happened)
    | (?:unexpected\ )?application\ error
    | (?:5\d\d|internal\ server\ error|bad\ gateway|service\ unavailable|gateway\ time-?out|server\ error)\b.{0,40}$
    | (?:(?:404|page|site)\W+)+not\ found
    | (?!how|what|when|why|if)\w.{1,40}\ (?:cannot|can't|could\ not|couldn't|failed\ to|is\ unable\ to)
      \ (?:start|be\ started|load|be\ loaded)\W*$
    | (?:missing|no)\ (?:required\ )?(?:environment|configuration|config)\b
    | supabase\w*\ is\ required
    )"""
"""Compiled when a page is judged: by then its scripts are on their way, and nobody waits for it."""
_STATEMENTS = frozenset({"title", "h1", "h2", "h3"})
"""Elements that say what a page is about."""
_HIDDEN = frozenset({"script", "style", "template", "noscript", "svg", "head"})
_SHORT_CHARACTERS = 400
"""A page with less text is about what its first words say."""
_EMPTY_CHARACTERS = 12
_SHOWN_CHARACTERS = 80
_PAGE_BYTES = 256 * 1024
"""What is read of a page: its head and its first words are far before that."""
_PAGE_AGAIN = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_IMPORT = re.compile(rb"""(?:\bfrom|\bimport)\s*\(?\s*["'`](\.{1,2}/[^"'`]{1,200}\.js)["'`]""")
_PRELOADED_LATER = re.compile(rb"""(?:\bm\.f|\b__vite__fileDeps)\s*=\s*\[([^\]]*)\]""")
"""The list in which Vite has all files, below the site's root, that a script loads when a page needs them."""
_FILE = re.compile(rb"""["'`]([^"'`:\s]{1,200}\.(?:js|css))["'`]""")
_NAMES_A_HOST = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_NOT_FOR_US = frozenset({403, 429})
_RELOADS_MIN_S = 60
"""A page that loads itself again rarer than this may be meant so."""
_NAMES_RELEASE = "pam-release"
_OF_SCRIPTS = ("script-src-elem", "script-src", "default-src")
"""Directives of a Content-Security-Policy that say which scripts may run; the first that is there counts (CSP Level 3)."""
_KINDS = {"script": ("javascript", "ecmascript"), "style": ("text/css",)}


@dataclass(frozen=True)
class Asset:
    """A file that a page needs: ``kind`` is "script" or "style", ``address`` as the page names it."""

    kind: str
    address: str

    @property
    def names_a_host(self) -> bool:
        """Whether it may be another host than the page's."""
        return _NAMES_A_HOST.match(self.address) is not None


@dataclass(frozen=True)
class PageContent:
    """What stands in a page: its statements (title, headings, alerts), its visible text, and the files that it names."""

    statements: tuple[str, ...]
    text: str
    assets: tuple[Asset, ...] = ()
    controls: int = 0
    """Links to elsewhere, buttons and fields."""
    painted: bool = True
    """Something of its main part can be seen, where somebody looked."""
    left_out: int = 0
    """How many files it names beyond those."""
    release: str = ""
    """As the page names it itself, for whoever looks whose page it is."""
    refresh: str = ""
    """Where a page that stays on nobody's screen leads, and after how many seconds."""


def read_page(body: bytes) -> PageContent:
    """Read a page as it was sent, before any script has run. Never raises."""
    reader = _Reader()
    with suppress(
        AssertionError
    ):  # the standard library's own, for a declaration that it does not know: what came before it counts
        reader.feed(body[:_PAGE_BYTES].decode("utf-8", "replace"))
    # Styles last: a page without its style is ugly, one without its script is empty. Those of other hosts after the page's own.
    # What is preloaded comes after the page's own scripts, however many there are.
    named = [*reader.assets, *reader.preloaded]
    assets = tuple(dict.fromkeys(sorted(named, key=lambda asset: (asset.kind, asset.names_a_host))))
    return PageContent(
        statements=tuple(_line(words) for words in reader.statements),
        text=_line(reader.text),
        assets=assets[:ASSETS_MAX],
        controls=reader.controls,
        left_out=max(0, len(assets) - ASSETS_MAX),
        refresh=reader.refresh,
        release=reader.release,
    )


def release_of_page(body: bytes) -> str:
    """The release that a page names itself, as it was sent; empty when it names none."""
    # Most pages do not, and a prober reads many.
    return read_page(body).release if _NAMES_RELEASE.encode() in body else ""


def shortcoming_of_sent(page: PageContent) -> str:
    """What is wrong with a page as it was sent, in words; empty when nothing is."""
    if said := _error_in(page):
        return f"the page is an error screen: {said!r}"
    if not any(asset.kind == "script" for asset in page.assets) and len(page.text) < _EMPTY_CHARACTERS:
        return "the page is empty: it has no text and names no script"
    return ""


def shortcoming_of_headers(headers: Mapping[str, str]) -> str:
    """Why no browser shows a page that comes with these headers, by their names in small letters; empty when one does."""
    if headers.get("content-disposition", "").strip().lower().startswith("attachment"):
        return "it is offered as a file to keep (Content-Disposition: attachment), and no browser shows it"
    for policy in headers.get("content-security-policy", "").lower().split(","):
        sources = {words[0]: words[1:] for directive in policy.split(";") if (words := directive.split())}
        scripts = next((sources[name] for name in _OF_SCRIPTS if name in sources), None)
        if scripts is not None and set(scripts) <= {"'none'"}:
            return "its Content-Security-Policy lets no script run"
    return ""


def shortcoming_of_refresh(url: str, refresh: str) -> str:
    """Why nobody stays on the page at this address: it leads to another host by itself, or begins anew again and again."""
    after, _, more = refresh.partition(";")
    to = more.strip().partition("=")[2].strip("\"' ")
    if to:
        there = f"https:{to}" if to.startswith("//") else to
        stays = not _NAMES_A_HOST.match(to) or server_of(there) == server_of(url)
        return "" if stays else f"it sends its visitors on to {cut(to, _SHOWN_CHARACTERS)!r} by itself"
    seconds = after.strip().partition(".")[0]
    often = seconds.isdecimal() and int(seconds) < _RELOADS_MIN_S
    return f"it loads itself again every {int(seconds)} s, and whatever a visitor is writing is gone" if often else ""


def shortcoming_of_rendered(page: PageContent) -> str:
    """What is wrong with a page as a visitor sees it, in words; empty when nothing is."""
    if said := _error_in(page):
        return f"it shows an error screen: {said!r}"
    if len(page.text) < _EMPTY_CHARACTERS:
        return "it is empty"
    if not page.controls:
        return f"it has no link, no button and no field, and shows only {cut(page.text, _SHOWN_CHARACTERS)!r}"
    return "" if page.painted else "nothing can be seen of it: its main part is one colour, whatever stands there"


def shortcoming_of_asset(asset: Asset, answer: Answer) -> str:
    """What is wrong with a file that the page names, in words; empty when it is what it should be."""
    name = f"its {asset.kind} {cut(asset.address, _SHOWN_CHARACTERS)}"
    if answer.problem:
        return f"{name}: {answer.problem}"
    if answer.http_status not in {_OK, _PARTIAL}:
        target = f" (a redirect to {answer.redirected_to})" if answer.redirected_to else ""
        return f"{name}: HTTP {answer.http_status}{target}"
    kind = answer.content_type.partition(";")[0].strip().lower()
    if _PAGE_AGAIN.match(answer.body) or kind == "text/html":
        return f"{name} is missing: a page of HTML is answered in its place"
    if not any(part in kind for part in _KINDS[asset.kind]):
        return f"{name} is {kind or 'without content type'}, which browsers do not take for a {asset.kind}"
    return "" if answer.body.strip() else f"{name} is empty"


@dataclass(frozen=True)
class FilesSeen:
    """What is wrong with the files of a page, and which files of other hosts could not be seen from here, each in words."""

    wrong: tuple[str, ...]
    unseen: tuple[str, ...]


def seen_files(page: str, files: Mapping[Asset, Answer | str | None]) -> FilesSeen:
    """Judge what each file of the page at this address answered; in words why it has no address; None for one that needs none.

    Another host that does not answer us may well answer users: a map's style sheet is no part of the release, and a page without it is
    ugly at most. Of a script nobody knows whether the page is anything without it, so it has to answer wherever it is.
    """
    told = {
        asset: shortcoming_of_asset(asset, one) if isinstance(one, Answer) else one or ""
        for asset, one in files.items()
    }
    unseen = {
        asset
        for asset, one in files.items()
        if asset.kind == "style" and told[asset] and isinstance(one, Answer) and _is_for_others(page, one)
    }
    return FilesSeen(
        tuple(said for asset, said in told.items() if said and asset not in unseen),
        tuple(told[asset] for asset in files if asset in unseen),
    )


def _is_for_others(page: str, found: Answer) -> bool:
    """Another host than the page's, which answers nobody or not us."""
    status = found.http_status
    silent = bool(found.problem) or status is None or status in _NOT_FOR_US or status >= _SERVER_ERROR
    return silent and server_of(found.url) != server_of(page)


def later_files(path: str, script: bytes) -> tuple[str, ...]:
    """The paths of all scripts and styles that a script at this path names: those that it imports, and those that it loads later.

    As sure as half of them are gone, a visitor's next click ends on an error screen, and the page is as ever until then.
    """
    folder = path.rpartition("/")[0]
    below_root = b"".join(_PRELOADED_LATER.findall(script))
    found = [f"{folder}/{name.decode('utf-8', 'replace')}" for name in _IMPORT.findall(script)]
    for name in (one.decode("utf-8", "replace").lstrip("/") for one in _FILE.findall(below_root)):
        # The root is what stands before the file's own folder, where the script is in the same one.
        root, same, _ = path.rpartition(f"/{name.partition('/')[0]}/")
        found.append(f"{root if same else ''}/{name}")
    return tuple(dict.fromkeys(found))


def spread(addresses: Iterable[str]) -> list[str]:
    """In an order that has nothing to do with theirs, and is always the same: the first of them stand for all."""
    return sorted(addresses, key=lambda address: sha256(address.encode()).digest())


def without_words(page: PageContent, words: Iterable[str]) -> Iterable[str]:
    """Which of the words the page does not have, as sentences."""
    said = " ".join((*page.statements, page.text))
    return [f"the page does not say {one!r}" for one in words if one not in said]


def unnamed(scripts: Iterable[bytes], addresses: Mapping[str, str]) -> Iterable[str]:
    """Which addresses none of the scripts names, by what people call them, as sentences."""
    bodies = tuple(scripts)
    return [
        f"none of its {len(bodies)} scripts names the {name} ({host}): was it built without its variables?"
        for name, host in addresses.items()
        if not any(one in body for one in spellings(host) for body in bodies)
    ]


def spellings(host: str) -> tuple[bytes, ...]:
    """How scripts may write it: pages that believe Supabase's own names only get one below ``.localhost`` for what runs on this machine."""
    own, port = host.encode(), host.rpartition(":")[2]
    return (own, f"localhost:{port}".encode()) if is_loopback(f"http://{host}") and port.isdecimal() else (own,)


@dataclass(frozen=True)
class PageAnswer:
    """The front page as it was answered, with all that was asked for because of it, and what the product's contract wants of it."""

    answer: Answer
    files: Mapping[Asset, Answer | str | None]
    """What each file that it names answered; in words why it has no address; None for one that needs none."""
    imported: tuple[bytes, ...] = ()
    """The files beside its scripts that these import."""
    later: Mapping[Asset, Answer] = field(default_factory=dict)
    """What those of the files answered, of all that its scripts name, that were looked at."""
    text: tuple[str, ...] = ()
    """Words that it has to have."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Hosts that its scripts have to name, by what people call them."""

    @property
    def scripts(self) -> tuple[bytes, ...]:
        """What its scripts say."""
        own = (
            found.body for asset, found in self.files.items() if asset.kind == "script" and isinstance(found, Answer)
        )
        return (*own, *self.imported)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Files of other hosts that could not be seen from here, each in words, and how many are too many to be asked for."""
        left_out = read_page(self.answer.body).left_out
        more = (f"{left_out} more scripts and styles than the first {ASSETS_MAX}",) if left_out else ()
        refused = [str(one) for one in self.later.values() if one.http_status in _NOT_FOR_US]
        limited = (f"{len(refused)} files that its scripts name ({refused[0]})",) if refused else ()
        return (*seen_files(self.answer.url, self.files).unseen, *more, *limited)

    @property
    def _gone(self) -> tuple[str, ...]:
        """What is wrong with the files that its scripts name, told as one."""
        judged = (shortcoming_of_asset(*one) for one in self.later.items() if one[1].http_status not in _NOT_FOR_US)
        wrong = list(filter(None, judged))
        looked = f"{len(wrong)} of {len(self.later)} files that its scripts load later are not there"
        return (f"{looked}, and the pages that need them are error screens; first {wrong[0]}",) if wrong else ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with it, each in words; empty when it is the site."""
        answer = self.answer
        is_page = answer.content_type.lower().startswith("text/html")
        if answer.problem or answer.http_status != _OK or not is_page:
            return (str(answer),)
        page = read_page(answer.body)
        lost = seen_files(answer.url, self.files).wrong
        refresh = answer.headers.get("refresh", "") or page.refresh
        found = [
            shortcoming_of_headers(answer.headers),
            shortcoming_of_refresh(answer.url, refresh),
            shortcoming_of_sent(page),
            *without_words(page, self.text),
            *lost,
            *self._gone,
        ]
        if self.names and not lost:
            found += unnamed(self.scripts, self.names)
        return tuple(filter(None, found))


@dataclass(frozen=True, repr=False)
class FrontPage(Fact):
    """The front page as it was sent, with the files that it names: ``problems`` is empty when it is the site."""

    url: str
    problems: tuple[str, ...]
    assets: int
    later: str = ""
    """How many of the files that its scripts name were looked at; empty when none was to be."""
    unproven: str = ""
    """Which of its files could not be seen from here; empty when all were."""
    cause: str = ""
    """What stood in its way, and in that of others."""
    release: str = ""
    """As it names it itself; empty when it names none."""

    @property
    def is_the_site(self) -> bool:
        """A page of the application, with the scripts and styles that it needs."""
        return not self.problems

    @property
    def measured(self) -> Measured:
        """What was found."""
        asked = "page and its files"
        good = f"a page, with {self.assets} scripts and styles"
        later = f" ({self.later})" if self.later else ""
        return Measured(
            what="the front page",
            asked=asked,
            value=self.problems[0] if self.problems else asked,
            n=1 + self.assets,
            definition=self.later,
            sentence=f"{self.url}: {'; '.join(self.problems) or good}{later}",
            cause=self.cause,
        )


def _error_in(page: PageContent) -> str:
    candidates: Sequence[str] = page.statements
    if len(page.text) <= _SHORT_CHARACTERS:
        candidates = (*candidates, page.text)
    return _first(cut(words, _SHOWN_CHARACTERS) for words in candidates if re.match(_ERROR_SCREEN, words))


def _first(words: Iterable[str]) -> str:
    return next(iter(words), "")


def _line(parts: Iterable[str]) -> str:
    return " ".join("".join(parts).split())


class _Reader(HTMLParser):
    """Collects what is needed; the rest of the page may be as broken as it likes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.statements: list[list[str]] = []
        self.text: list[str] = []
        self.assets: list[Asset] = []
        self.preloaded: list[Asset] = []
        self.controls = 0
        self.refresh = ""
        self.release = ""
        self._statement = ""
        self._hidden: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        kinds = given.get("rel", "").lower().split()
        if tag == "script" and given.get("src", "").strip():
            self.assets.append(Asset("script", given["src"].strip()))
        elif tag == "link" and "stylesheet" in kinds and given.get("href", "").strip():
            self.assets.append(Asset("style", given["href"].strip()))
        elif tag == "link" and "modulepreload" in kinds and given.get("href", "").strip():
            # Bundlers name there what the page's script imports: without one of them nothing of it runs.
            if given.get("as", "script").lower() == "script":
                self.preloaded.append(Asset("script", given["href"].strip()))
        elif tag == "meta":
            self._note(given)
        elif tag in {"a", "button", "input", "textarea", "select"}:
            self.controls += 1
        if tag in _STATEMENTS:
            self._statement = tag
            self.statements.append([])
        elif tag in _HIDDEN:
            self._hidden[tag] += 1
        elif tag == "body":
            self._hidden.clear()
        self.text.append(" ")

    def _note(self, meta: Mapping[str, str]) -> None:
        content = meta.get("content", "").strip()
        if meta.get("http-equiv", "").lower() == "refresh" and not self._hidden["noscript"]:
            self.refresh = content
        elif meta.get("name", "").lower() == _NAMES_RELEASE:
            self.release = content

    def handle_endtag(self, tag: str) -> None:
        if tag == self._statement:
            self._statement = ""
        if self._hidden[tag] > 0:
            self._hidden[tag] -= 1
        self.text.append(" ")

    def handle_data(self, data: str) -> None:
        if self._statement:
            self.statements[-1].append(data)
        if self._statement != "title" and not any(self._hidden.values()):
            self.text.append(data)
