"""``make connect``: two files that a session can use, within a budget that was told; or one clear message and nothing written."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.base.errors import MeasurementFailed
from pam_rollback.connect.rules.budget import PATHS_PER_MINUTE
from pam_rollback.environment.environment_file import load_environment
from pam_rollback.observation.rules.probed_journeys import usual_weights
from pam_rollback.plan.plan import load_plan
from pam_rollback.product.client.files import load_contract
from tests.connect.product import (
    API,
    FRONTEND,
    KEY,
    PAGE,
    SCRIPT,
    SUPABASE,
    Run,
    files_of,
    most_in_a_minute,
    text_of,
    today,
)
from tests.contracts import HEALTH
from tests.small_disk import fill, small_disk

ROOT = Path(__file__).parents[2]
ACCOUNT = {"TEST_USER_EMAIL": "a@example.org", "TEST_USER_PASSWORD": "invented-pass-word", "SUPABASE_ANON_KEY": KEY}
JSON = "application/json"
MUCH = 64


def test_the_files_are_ones_that_a_session_can_use(run: Run, tmp_path: Path) -> None:
    """Addresses, contract and plan fit each other."""
    code, out, err = run(today(), "--name", "here")

    assert (code, err) == (0, "")
    environment = load_environment(str(tmp_path / "environments" / "here.toml"), tmp_path / "environments", {})
    assert (environment.kind, environment.urls.supabase) == ("staging", SUPABASE)
    assert list(environment.contract.problems(load_plan(ROOT / "plan.toml").health_checks)) == []
    assert environment.contract.health["backend"].path == "/health"
    assert environment.contract.health["database"].site == "supabase"
    assert environment.contract.health["pam"].no_endpoint == "/health/pam: /status is 'unhealthy'"
    assert environment.contract.front_page.names == ("api", "supabase")
    assert "products/here.toml: written" in out
    assert "served by     Netlify and Render, by the headers of its answers" in out


def test_what_is_known_of_the_product_stays(run: Run, tmp_path: Path) -> None:
    """How features are switched and what the API bears nobody can look for. Without it a rollback that is refused would be advised."""
    run(today(), "--name", "here")
    contract = load_environment("here", tmp_path / "environments", {}).contract
    known = load_contract(ROOT / "products" / "pam-today.toml")

    assert contract.flags == known.flags
    assert (contract.limits, contract.elements, contract.pages) == (known.limits, known.elements, known.pages)
    assert [one.path for one in contract.marks] == ["/health/system"], "it describes itself nowhere"


HERE = "http://127.0.0.1:54321"
"""Supabase's stand-in, as it is reached."""
NAMED_HERE = SCRIPT.replace(SUPABASE, "http://abcdefghij.supabase.co.localhost:54321")


def test_on_this_machine_a_page_has_to_name_supabase_too(run: Run, tmp_path: Path) -> None:
    """Pages believe no other host than Supabase's: they get a name that leads here, and it is the address of the environment."""
    script = (200, "text/javascript", NAMED_HERE)
    rows = f"{HERE}/rest/v1/profiles?select=id&limit=1"
    product = today(**{f"{FRONTEND}/assets/app.js": script, rows: (200, JSON, [])})
    run(product, "--name", "here")
    environment = load_environment("here", tmp_path / "environments", {})

    assert (environment.urls.supabase, environment.contract.front_page.names) == (HERE, ("api", "supabase"))


def test_a_condition_that_a_blank_build_meets_is_refused_as_empty(run: Run, tmp_path: Path) -> None:
    """The API's address is a constant of such a build, too: only Supabase's tells it."""
    script = (200, "text/javascript", f'const API="{API}";')
    _, out, _ = run(today(**{f"{FRONTEND}/assets/app.js": script}), "--name", "here")
    environment = load_environment("here", tmp_path / "environments", {})

    assert environment.contract.front_page.names == ()
    assert (
        "[front_page] names = ['api'] is refused as empty: a build without its variables would meet it as well" in out
    )
    _, out, _ = run(today(**{f"{FRONTEND}/assets/app.js": script}), "--name", "plan", "--like", "pam-plan")
    assert load_environment("plan", tmp_path / "environments", {}).contract.front_page.names == ("api",)
    assert "refused as empty" not in out


def test_each_part_that_users_wait_for_gets_its_weight(run: Run, tmp_path: Path) -> None:
    """With an account, of what the product has; without one, of what everybody may read."""
    run(today(), "--name", "open")
    run(today(), "--name", "mine", variables=ACCOUNT)
    run(today(), "--name", "known", "--product", "pam-today", variables=ACCOUNT)
    folder = tmp_path / "environments"
    shutil.copy(ROOT / "products" / "pam-today.toml", tmp_path / "products")
    everybody, mine, known = (load_environment(name, folder, ACCOUNT) for name in ("open", "mine", "known"))

    assert set(everybody.probing.weights) == {"front page", "cached front page", "health"}
    assert {"profile", "settings", "history", "expenses", "as a browser"} < set(mine.probing.weights)
    assert mine.probing.weights == known.probing.weights == usual_weights(mine.contract)


def test_it_never_asks_for_more_than_was_told(run: Run) -> None:
    """Nor faster: each request counts, whatever host it goes to."""
    old = "https://old.example.org"
    product = today(**{f"{old}/health": (200, JSON, {**HEALTH, "version": "1.9.0"})})
    _, out, _ = run(product, "--previous-api", old, "--ask-pam", variables=ACCOUNT)

    assert "at most 36 paths of the product, 12 a minute, so up to 2 min; 1 sign-in; 1 question to PAM" in out
    assert most_in_a_minute(at_s for at_s, _, _ in product.asked) <= PATHS_PER_MINUTE
    assert f"Spent {len(product.asked)} of 36 paths, 1 of 1 sign-ins, 1 of 1 questions to PAM" in out
    asked = [url for _, _, url in product.asked]
    assert len(asked) == len(set(asked))  # nothing is asked for twice


@pytest.mark.parametrize(
    ("answer", "asked_for", "told"),
    [
        ({"response": "Two sites are free.", "intent": "find"}, ["/response", "/intent"], "and PAM answers it"),
        ({"response": "Two sites are free.", "intent": None}, ["/response"], "and PAM answers it"),
        (
            {"response": "I'm having trouble answering. Try again.", "intent": None},
            ["/response"],
            "is the model reachable?",
        ),
    ],
    ids=["it names its intent", "it never does", "an apology"],
)
def test_what_a_good_answer_of_pam_has_is_seen(
    run: Run, tmp_path: Path, answer: dict[str, Any], asked_for: list[str], told: str
) -> None:
    """An intent is asked for where one was named, and an apology is no answer to learn from."""
    product = today(**{f"{API}/api/v1/pam/chat": (200, JSON, answer)})
    _, out, _ = run(product, "--ask-pam", "--name", "here", variables=ACCOUNT)

    environment = load_environment("here", tmp_path / "environments", ACCOUNT)
    assert [one.pointer for one in environment.contract.operations["chat"].good] == asked_for
    assert told in out


def test_unleash_is_named_where_the_scripts_ask_it(run: Run, tmp_path: Path) -> None:
    """With the page that says how it is described; and where none was seen, that too."""
    flags = "https://flags.example.org/team"
    script = (200, "text/javascript", f'{SCRIPT}fetch("{flags}/api/frontend?a=1");')
    _, with_it, _ = run(today(**{f"{FRONTEND}/assets/app.js": script}), "--name", "flagged")
    _, without, _ = run(today(), "--name", "plain")

    assert f"the scripts ask Unleash at {flags}: [unleash]" in with_it
    assert flags in (tmp_path / "environments" / "flagged.toml").read_text("utf-8")
    assert "Unleash" not in without
    assert "No flag service was seen" in (tmp_path / "environments" / "plain.toml").read_text("utf-8")


def test_a_budget_that_is_spent_ends_the_asking(run: Run) -> None:
    """A page with scripts beyond number is left at what was told."""
    scripts = "".join(f'<script src="/assets/{n}.js"></script>' for n in range(MUCH))
    more = {f"{FRONTEND}/assets/{n}.js": (200, "text/javascript", f'import "./more{n}.js"') for n in range(MUCH)}
    product = today(**{f"{FRONTEND}/*": (200, "text/html", PAGE.replace("</head>", f"{scripts}</head>")), **more})
    run(product)

    assert len(product.asked) <= 36


def test_run_twice_it_changes_nothing(run: Run, tmp_path: Path) -> None:
    """Byte by byte."""
    run(today(), "--name", "here")
    before = text_of(tmp_path)
    code, out, _ = run(today(), "--name", "here")

    assert code == 0
    assert text_of(tmp_path) == before
    assert out.count(": as it was") == 2


def test_what_a_person_changed_stays_and_what_is_new_is_said(run: Run, tmp_path: Path) -> None:
    """The other file is written anew."""
    run(today(), "--name", "here")
    file = tmp_path / "environments" / "here.toml"
    file.write_text(file.read_text("utf-8").replace("pace = 1", "pace = 2"), "utf-8")
    mine = file.read_bytes()
    _, out, _ = run(today(), "--name", "here", "--supabase", "https://other.supabase.co", variables=ACCOUNT)

    assert file.read_bytes() == mine
    assert "environments/here.toml: NOT touched: somebody changed it, or wrote it" in out
    assert 'would be new: urls.supabase = "https://other.supabase.co" (there: "https://abcdefghij.supabase.co")' in out
    assert "products/here.toml: written anew" in out


def test_abilities_are_what_was_seen_to_work(run: Run, tmp_path: Path) -> None:
    """An ability that is declared and missing would fail each session."""
    refused = {f"{SUPABASE}/auth/v1/token?grant_type=password": (400, JSON, {"error": "invalid_grant"})}
    _, out, _ = run(today(**refused), "--name", "closed", variables=ACCOUNT)
    run(today(), "--name", "open", variables=ACCOUNT)

    def abilities(name: str) -> frozenset[str]:
        folder = tmp_path / "environments"
        return frozenset(load_environment(str(folder / f"{name}.toml"), folder, ACCOUNT).abilities)

    assert abilities("closed") == {"browser"}
    assert "whether the test account can sign in: POST" in out
    assert abilities("open") == {"browser", "test_account"}


def test_no_secret_is_written_or_said(run: Run, tmp_path: Path) -> None:
    """Neither a variable's value nor the key that the bundle holds."""
    variables = {
        **ACCOUNT,
        "NETLIFY_AUTH_TOKEN": "invented-token-of-netlify",
        "PAM_DATABASE_DSN": "postgresql://u:invented-dsn@127.0.0.1:9/x",
    }
    variables |= {"PAM_SLACK_WEBHOOK_URL": "https://hooks.example/invented-hook"}
    closed = ("--netlify-api", "http://127.0.0.1:9")
    told = "".join(map(str, run(today(), "--name", "here", "-v", *closed, variables=variables)))
    told += "".join(map(str, run(today(), "--name", "here", "--json", *closed, variables=variables)))

    everything = text_of(tmp_path) + told
    assert "the database: " in told
    assert "the site at Netlify: " in told
    assert [value for value in (*variables.values(), KEY, "invented-dsn") if value in everything] == []


def test_json_has_the_same_fields(run: Run) -> None:
    """Each line for people is made from them; nothing else stands on standard output."""
    code, out, err = run(today(), "--json")
    data = json.loads(out)

    assert code == 0
    assert "will ask for at most 36 paths" in err
    assert data["names"] == ["api", "supabase"]
    taken = {one["component"]: one["taken"] for one in data["health"]}
    assert taken["backend"] == "/health"
    assert taken["pam"] is None
    assert [one["fate"] for one in data["files"]] == ["new", "new"]


def test_what_can_be_judged_is_told_with_it(run: Run) -> None:
    """By the doctor, whom a failure does not make a reason against the files."""
    one = {"item": "DI-1", "title": "a", "state": "missing", "why": [], "after": ["export X=…"], "command": ""}
    _, out, _ = run(today(), "--name", "a", doctor=lambda *_: {"complete": False, "items": [one]})
    assert "  [ ] after: export X=…: DI-1" in out

    def failing(*_: object) -> dict[str, Any]:
        raise MeasurementFailed("no pytest here")

    code, out, _ = run(today(), "--name", "b", doctor=failing)
    assert code == 0
    assert "not known: no pytest here" in out
    assert json.loads(run(today(), "--name", "b", "--json", doctor=failing)[1])["doctor"]["problem"] == "no pytest here"


def test_a_person_is_asked_only_where_one_is_there(run: Run, tmp_path: Path) -> None:
    """Each question has an option, and whoever gave it is not asked."""
    questions: list[str] = []
    answers = {"FRONTEND": FRONTEND, "API": API, "NAME": "asked", "Is it": "", "Where": "", "Folder": ""}

    def person(question: str) -> str:
        questions.append(question)
        return next(answer for begin, answer in answers.items() if question.startswith(begin))

    assert run(today(), ask=person, addresses=())[0] == 0
    assert len(questions) == 6
    assert "pam-gate-asked.yml" in questions[-1]
    assert (tmp_path / "environments" / "asked.toml").is_file()
    questions.clear()
    told = ("--name", "told", "--kind", "staging", "--previous-api", "", "--workflows", "")
    assert run(today(), *told, ask=person)[0] == 0
    assert questions == []
    code, _, err = run(today(), addresses=())
    assert code == 1
    assert err.startswith("not connected: FRONTEND: expected an address, found none.\n  Say FRONTEND=https://host.")


_PAGES = {f"{API}/*": (200, "text/html", PAGE), f"{API}/health": (200, "text/html", PAGE)}
_BANNED = {f"{API}/*": (403, JSON, {"error": "blocked"}), f"{API}/health": (403, JSON, {})}
_NO_ENDPOINT = (
    "expected a path that says that the back end is healthy, and would not say so if it were not, found /health: "
)


def _site(status: int, kind: str, body: Any) -> dict[str, Any]:
    return {f"{FRONTEND}/*": (status, kind, body)}


def _health(status: int, kind: str, body: Any) -> dict[str, Any]:
    return {f"{API}/health": (status, kind, body)}


BAD: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "down": (
        _site(0, "", "refused the connection"),
        (f"FRONTEND {FRONTEND}: expected the site's page, found refused the connection.", "Is it up"),
    ),
    "no page": (
        _site(200, JSON, {"status": "ok"}),
        ("a page of HTML with HTTP 200, found HTTP 200, application/json",),
    ),
    "status": (_site(500, "text/html", PAGE), ("a page of HTML with HTTP 200, found HTTP 500, text/html",)),
    "redirect": (
        _site(301, "text/html", "https://example.com/en"),
        ("found a redirect to https://example.com/en.", "say FRONTEND=https://example.com."),
    ),
    "error screen": (
        _site(200, "text/html", "<title>Oops! Something went wrong</title>"),
        ("found the page is an error screen",),
    ),
    "no script": (
        {f"{FRONTEND}/assets/app.js": (200, "text/html", PAGE)},
        ("its script /assets/app.js is missing: a page of HTML is answered in its place",),
    ),
    "api is a page": (
        _PAGES,
        (f"API {API}: expected JSON of an API, found a page of HTML for every path, titled 'Wheels & Wins - Trips'",),
    ),
    "silent": (_health(0, "", "silent: no answer within 5 s"), (f"API {API}: expected an answer, found silent",)),
    "no JSON": (_health(200, JSON, b"{nonsense"), (f"API {API}: {_NO_ENDPOINT}not JSON although",)),
    "ill": (_health(200, JSON, {"status": "down"}), (f"{_NO_ENDPOINT}/status is 'down'",)),
    "banned": (_BANNED, ("found /health HTTP 403, /openapi.json HTTP 403: this address is refused everything",)),
    "banned site": (_site(429, "text/html", ""), ("found / HTTP 429: this address is refused everything",)),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_connected_is_one_message(case: str, run: Run, tmp_path: Path) -> None:
    """Place, expected, found, and what to do; nothing is written."""
    others, words = BAD[case]
    code, _, err = run(today(**others))

    assert code == 1
    assert [word for word in words if word not in err] == []
    assert err.rstrip().endswith("Nothing was written.")
    assert files_of(tmp_path) == []


def test_whoever_is_banned_asks_no_more(run: Run) -> None:
    """Each further request would make it longer."""
    product = today(**_BANNED)
    run(product)

    assert len([url for _, _, url in product.asked if url.startswith(API)]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--name", "../up"),
            "NAME: expected small letters a to z, digits and dashes, 63 at most, such as staging, found '../up'",
        ),
        (("--name", "Größe"), r"found 'Gr\xf6\xdfe'"),
        (("--name", "準備"), r"found '\u6e96\u5099'"),
        (("--name", "a b"), "found 'a b'"),
        (("--name", "a" * MUCH), "63 at most"),
        (
            ("--frontend", "http://www.example.org"),
            "FRONTEND: expected https, except on this machine, found http://www.example.org",
        ),
        (("--api", "https://user:pass@api.example.org"), "found a value that is not shown"),
        (("--kind", "life"), "--kind: expected production or staging, found 'life'"),
        (("--like", "nowhere"), "products/nowhere.toml"),
    ],
)
def test_what_was_said_is_checked_before_anything_is_asked(
    arguments: tuple[str, ...], words: str, run: Run, tmp_path: Path
) -> None:
    """No request, no file."""
    product = today()
    code, _, err = run(product, *arguments)

    assert code == 1
    assert words in err
    assert "pass@" not in err
    assert product.asked == []
    assert files_of(tmp_path) == []


def test_a_full_disk_leaves_both_files_as_they_were(run: Run, tmp_path: Path) -> None:
    """Not one new and one old."""
    with small_disk(tmp_path / "small", MUCH) as root:
        assert run(today(), "--name", "here", root=root)[0] == 0
        filler = fill(root)
        before = {file.name: file.read_bytes() for file in files_of(root) if file != filler}
        code, _, err = run(today(), "--name", "here", "--supabase", "https://other.supabase.co", root=root)

        assert code == 1
        assert "No space left on device; nothing was written" in err
        assert {file.name: file.read_bytes() for file in files_of(root) if file != filler} == before


def test_a_second_file_that_cannot_be_written_undoes_the_first(run: Run, tmp_path: Path) -> None:
    """A folder stands in its place."""
    (tmp_path / "environments" / "here.toml").mkdir(parents=True)
    code, _, err = run(today(), "--name", "here")

    assert code == 1
    assert "environments/here.toml: expected a file that can be read" in err
    assert files_of(tmp_path) == []


def test_whoever_stops_it_finds_nothing_half_written(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a question, at a request, and between the two files."""

    def stops(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    def ends(_: str) -> str:
        raise EOFError

    stopped = (130, "not connected: stopped. Nothing was written.\n")
    code, _, err = run(today(), ask=stops, addresses=())
    assert (code, err) == stopped
    code, _, err = run(today(), ask=ends, addresses=())
    assert (code, err.splitlines()[0]) == (1, "not connected: FRONTEND: expected an address, found none.")

    replaced: list[Path] = []
    replace = Path.replace

    def second_stops(self: Path, target: Path) -> Path:
        replaced.append(target)
        return replace(self, target) if len(replaced) == 1 else Path(stops())

    monkeypatch.setattr(Path, "replace", second_stops)
    code, _, err = run(today())
    assert (code, err) == stopped
    assert len(replaced) == 2
    assert files_of(tmp_path) == []


def test_an_endpoint_that_would_hide_a_fault_is_refused_with_the_bad_answer(run: Run) -> None:
    """As the contract's own twins show it."""
    lax = {f"{API}/health/pam": (200, JSON, {"state": "up", "history": {"status": "ok"}})}
    _, out, _ = run(today(**lax))

    assert "/health/pam is refused: it would still be called healthy with: /history/status is 'unhealthy'" in out


def test_a_contract_that_is_there_can_be_used(run: Run, tmp_path: Path) -> None:
    """Then only the environment is written."""
    code, out, _ = run(today(), "--name", "here", "--product", "pam-today")

    assert code == 0
    assert [file.name for file in files_of(tmp_path)] == ["here.toml"]
    assert 'product = "pam-today"' in text_of(tmp_path)
    assert "products/" not in out
    assert "/health, proven" in out
    assert "not asked: every path answers the site's page" in out
    ill = today(**{f"{SUPABASE}/rest/v1/profiles?select=id&limit=1": (503, JSON, {"code": "PGRST000"})})
    assert "/rest/v1/profiles?select=id&limit=1 is refused: " in run(ill, "--name", "ill", "--product", "pam-today")[1]


def test_a_page_that_names_nobody_is_said(run: Run, tmp_path: Path) -> None:
    """It may be a build without its variables, or the wrong API."""
    _, out, _ = run(today(**{f"{FRONTEND}/assets/app.js": (200, "text/javascript", 'const API="";')}))

    assert "the site's scripts do not name the API https://api.example.org (it names no address at all)" in out
    assert "supabase" not in text_of(tmp_path / "environments").partition("[secrets]")[0]


def test_make_hands_over_what_was_typed_and_no_shell_reads_it(tmp_path: Path) -> None:
    """Quotes and semicolons are part of an address that is none."""
    trap = tmp_path / "trap"
    typed = {"FRONTEND": f'http://127.0.0.1:9/"; touch {trap}; "', "API": "http://127.0.0.1:9", "NAME": "here"}
    command = ["make", "connect", *(f"{name}={value}" for name, value in typed.items())]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )

    assert done.returncode == 2
    assert "FRONTEND: expected an address such as https://host, without credentials" in done.stderr
    assert not trap.exists()


@pytest.mark.parametrize("where", ["/openapi.json", "/api/openapi.json"])
def test_a_product_that_describes_itself_is_asked_for_less(where: str, run: Run, tmp_path: Path) -> None:
    """What it does not have is no path of ours, and no operation."""
    paths: dict[str, Any] = {
        "/health": {"get": {}},
        "/api/v1/pam/chat": {"post": {}},
        "/api/health/postgres": {"get": {}},
    }
    product = today(
        **{f"{API}{where}": (200, JSON, {"paths": paths}), f"{API}/api/health/postgres": (200, JSON, HEALTH)}
    )
    run(product)

    assert "/health/pam" not in product.paths
    environment = load_environment(str(tmp_path / "environments/staging.toml"), tmp_path / "environments", {})
    assert environment.contract.health["database"].path == "/api/health/postgres"
    assert environment.contract.operations["chat"].path == "/api/v1/pam/chat"
    assert environment.contract.operations["voice"].no_endpoint == "/openapi.json describes no POST /api/v1/pam/voice"
