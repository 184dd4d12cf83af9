"""``make connect``: an environment that a session can use, after one look; or one clear message and nothing written."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from pam_rollback.probe.parts import usual_weights
from pam_rollback.target.environment_file import load_environment
from pam_rollback.target.files import load_contract
from pam_rollback.target.hosts import HOSTS
from tests.connect.product import API, FRONTEND, KEY, PAGE, SCRIPT, SUPABASE, Run, files_of, text_of, today

ROOT = Path(__file__).parents[2]
ACCOUNT = {"TEST_USER_EMAIL": "a@example.org", "TEST_USER_PASSWORD": "invented-pass-word", "SUPABASE_ANON_KEY": KEY}
JSON = "application/json"
MUCH = 64
ROWS = "/rest/v1/profiles?select=id&limit=1"


def test_the_file_is_one_that_a_session_can_use(run: Run, tmp_path: Path) -> None:
    """With today's contract as it is, its features' constants too; and each address was asked once."""
    product = today()
    code, out, err = run(product, "--name", "here")

    assert (code, err) == (0, "")
    environment = load_environment("here", tmp_path / "environments", {})
    assert (environment.kind, environment.urls.supabase) == ("staging", SUPABASE)
    assert environment.contract == load_contract(ROOT / "products" / "pam-today.toml")
    assert environment.contract.front_page.names == ("supabase",)
    assert environment.contract.flags.constants
    assert environment.abilities == {"browser"}
    assert environment.probing.control_url
    assert "backend       /health, well" in out
    assert "database      not asked: no address of Supabase, or no key of its pages" in out
    assert "Written: environments/here.toml" in out
    assert product.asked == [
        f"{FRONTEND}/",
        f"{FRONTEND}/assets/app.js",
        f"{FRONTEND}/assets/vendor.js",
        f"{API}/health",
    ]


def test_abilities_are_those_whose_variables_are_set(run: Run, tmp_path: Path) -> None:
    """The others stand beside what switches them on; a host needs its id, too."""
    hosts = {"NETLIFY_AUTH_TOKEN": "invented-token", "RENDER_API_KEY": "invented-key"}
    more = {
        "PAM_DATABASE_DSN": "postgresql://u:invented@127.0.0.1:9/x",
        "PAM_SLACK_WEBHOOK_URL": "https://hooks.example/x",
    }
    variables = ACCOUNT | hosts | more
    run(today(), "--name", "some", "--netlify-site", "5f0c0ffe-0000", variables=variables)
    folder = tmp_path / "environments"
    text = text_of(folder)

    found = load_environment("some", folder, variables)
    assert found.abilities == {"browser", "test_account", "database", "frontend_host", "slack"}
    assert '    # "second_test_account",  # TEST_USER_EMAIL' in text
    assert '    # "render",  # RENDER_API_KEY; and the table [render]' in text
    assert '# [render]\n# service_id = ""' in text
    assert [value for value in variables.values() if value in text] == []


def test_each_ability_can_be_switched_on_by_taking_away_its_sign(run: Run, tmp_path: Path) -> None:
    """The file then loads as it is, where the variables are set."""
    run(today(), "--name", "all")
    file = tmp_path / "environments" / "all.toml"
    lines = [
        line.replace("# ", "", 1) if line.lstrip().startswith('# "') else line
        for line in file.read_text("utf-8").split("\n")
    ]
    ids = {"netlify": 'site_id = "5f0c0ffe"', "render": 'service_id = "srv-1"'}
    text = "\n".join(lines)
    for host in HOSTS:
        text = text.replace(f'# [{host.name}]\n# {host.id_key} = ""', f"[{host.name}]\n{ids[host.name]}")
    file.write_text(text, "utf-8")
    second = {"SECOND_TEST_USER_EMAIL": "b@example.org", "SECOND_TEST_USER_PASSWORD": "another"}
    variables = ACCOUNT | second | {host.variable: "invented" for host in HOSTS}
    variables |= {
        "PAM_DATABASE_DSN": "postgresql://u:p@127.0.0.1:9/x",
        "PAM_SLACK_WEBHOOK_URL": "https://hooks.example/x",
    }
    found = load_environment("all", tmp_path / "environments", variables)

    assert {
        "test_account",
        "second_test_account",
        "database",
        "frontend_host",
        "backend_host",
        "render_metrics",
        "slack",
    } < found.abilities
    assert found.probing.weights == usual_weights(found.contract)


HERE = "http://127.0.0.1:54321"
"""Supabase's stand-in, as it is reached."""


def test_on_this_machine_supabase_has_a_name_of_its_own(run: Run, tmp_path: Path) -> None:
    """Pages believe no other host than Supabase's: they get a name that leads here, and it is the address of the environment."""
    named = SCRIPT.replace(SUPABASE, "http://abcdefghij.supabase.co.localhost:54321")
    product = today(**{f"{FRONTEND}/assets/app.js": (200, "text/javascript", named), f"{HERE}{ROWS}": (200, JSON, [])})
    _, out, _ = run(product, "--name", "here", variables=ACCOUNT)
    environment = load_environment("here", tmp_path / "environments", ACCOUNT)

    assert environment.urls.supabase == HERE
    assert "database      /rest/v1/profiles, well" in out
    assert "test_account" in environment.abilities


def test_a_build_without_its_variables_is_not_connected(run: Run, tmp_path: Path) -> None:
    """The API's address is a constant of such a build, too: only Supabase's tells it."""
    blank = {f"{FRONTEND}/assets/app.js": (200, "text/javascript", f'const API="{API}";')}
    code, _, err = run(today(**blank), "--name", "here")
    told, _, named = run(today(**blank), "--name", "here", "--supabase", SUPABASE)

    assert (code, told, files_of(tmp_path)) == (1, 1, [])
    assert "no address of supabase is known, and the scripts name none" in err
    assert "none of its 1 scripts names the supabase" in named


def test_a_file_that_is_there_stays(run: Run, tmp_path: Path) -> None:
    """Byte by byte, and before anything is asked."""
    run(today(), "--name", "here")
    before, product = text_of(tmp_path), today()
    code, _, err = run(product, "--name", "here", variables=ACCOUNT)

    assert (code, text_of(tmp_path), product.asked) == (1, before, [])
    assert "environments/here.toml: expected no such file, found one, which is yours and stays as it is" in err


def test_what_is_not_well_beside_the_back_end_is_said(run: Run) -> None:
    """The environment is written all the same: it may be mended later."""
    code, out, _ = run(
        today(**{f"{SUPABASE}{ROWS}": (503, JSON, {"code": "PGRST000"})}), "--name", "ill", variables=ACCOUNT
    )

    assert code == 0
    assert "database      /rest/v1/profiles is NOT well: " in out


def test_both_addresses_are_said(run: Run, tmp_path: Path) -> None:
    """Nobody guesses one, and the environment's kind goes by its name."""
    code, _, err = run(today(), addresses=())
    assert code == 1
    assert err.startswith(
        "not connected: FRONTEND, which users open: expected an address, found none.\n  Say FRONTEND=https://host."
    )
    assert run(today(), "--name", "prod-eu")[0] == 0
    assert 'kind = "production"' in text_of(tmp_path)


def _site(status: int, kind: str, body: Any) -> dict[str, Any]:
    return {f"{FRONTEND}/*": (status, kind, body)}


def _health(status: int, kind: str, body: Any) -> dict[str, Any]:
    return {f"{API}/health": (status, kind, body)}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "down": (_site(0, "", "refused the connection"), "found refused the connection.\n  Is it up"),
    "no page": (_site(200, JSON, {"status": "ok"}), "a page of HTML with HTTP 200, found HTTP 200, application/json"),
    "status": (_site(500, "text/html", PAGE), "a page of HTML with HTTP 200, found HTTP 500, text/html"),
    "redirect": (_site(301, "text/html", "https://example.com/en"), "say FRONTEND=https://example.com."),
    "error screen": (
        _site(200, "text/html", "<title>Oops! Something went wrong</title>"),
        "the page is an error screen",
    ),
    "no script": ({f"{FRONTEND}/assets/app.js": (200, "text/html", PAGE)}, "its script /assets/app.js is missing"),
    "api is a page": (_health(200, "text/html", PAGE), f"API {API}/health: expected the back end's health"),
    "silent": (_health(0, "", "silent: no answer within 5 s"), "found silent"),
    "no JSON": (_health(200, JSON, b"{nonsense"), f"API {API}/health: expected the back end's health"),
    "ill": (_health(200, JSON, {"status": "down", "service": "pam"}), "/status"),
    "another": (_health(200, JSON, {"ok": True}), "Another product needs a contract of its own"),
    "banned": (_health(403, JSON, {"error": "blocked"}), "found HTTP 403 for /health: this address is banned"),
    "banned site": (_site(429, "text/html", ""), "found HTTP 429 for /: this address is banned"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_connected_is_one_message(case: str, run: Run, tmp_path: Path) -> None:
    """Place, expected, found, and what to do; nothing is written."""
    others, words = BAD[case]
    code, _, err = run(today(**others))

    assert code == 1
    assert words in err
    assert err.rstrip().endswith("Nothing was written.")
    assert files_of(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--name", "../up"),
            "NAME: expected small letters a to z, digits and dashes, 63 at most, such as staging, found '../up'",
        ),
        (("--name", "Größe"), r"found 'Gr\xf6\xdfe'"),
        (("--name", "a" * MUCH), "63 at most"),
        (
            ("--frontend", "http://www.example.org"),
            "FRONTEND: expected https, except on this machine, found http://www.example.org",
        ),
        (("--api", "https://user:pass@api.example.org"), "found a value that is not shown"),
        (("--kind", "life"), "--kind: expected production or staging, found 'life'"),
        (("--product", "nowhere"), "products/nowhere.toml"),
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


def test_an_id_that_cannot_be_used_is_told_before_it_is_written(run: Run, tmp_path: Path) -> None:
    """As a session would tell it."""
    code, _, err = run(today(), "--name", "here", "--render-service", "mine")

    assert (code, files_of(tmp_path)) == (1, [])
    assert "render" in err


def test_whoever_stops_it_finds_nothing_written(run: Run, tmp_path: Path) -> None:
    """While it looks."""

    class Stops:
        def __call__(self, *_: object, **__: object) -> None:
            raise KeyboardInterrupt

    code, _, err = run(Stops())

    assert (code, err) == (130, "not connected: stopped. Nothing was written.\n")
    assert files_of(tmp_path) == []


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
