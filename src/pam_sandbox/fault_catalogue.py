"""Everything that can be broken on purpose: nothing else says what a fault takes.

In one module: an entry for each fault, to be looked up by its name.
"""

from collections.abc import Mapping

from pam_sandbox.builds import asset_names, snippet_names
from pam_sandbox.data_damage import damage_names
from pam_sandbox.faults import FaultKind, Layer, Parameter

_ENHANCED = "PAM_ENHANCED_UI"
_Kind = tuple[str | Parameter, ...]
"""Its name, what it does, and its parameters."""


def _said(name: str, meanings: str) -> Parameter:
    """One of the words before the colons has to be said: ``a, b: what these do; c: what that does``."""
    words = tuple(word for meaning in meanings.split("; ") for word in meaning.partition(": ")[0].split(", "))
    return Parameter(name, None, meanings, choices=words)


def _one_of(name: str, meanings: str) -> Parameter:
    """The first of the words unless another one is said."""
    said = _said(name, meanings)
    return Parameter(name, said.choices[0], meanings, choices=said.choices)


def _number(name: str, default: float, high: float, summary: str) -> Parameter:
    return Parameter(name, default, summary, low=0, high=high)


def _share(default: float, summary: str = "share of the requests that fail") -> Parameter:
    return _number("share", default, 1, summary)


def _late(default: float, summary: str) -> Parameter:
    return _number("ms", default, 120_000, summary)


def _kinds(layer: Layer, *kinds: _Kind, first: tuple[Parameter, ...] = (), flag: str | None = None) -> list[FaultKind]:
    """Those of a layer, which have the `first` parameters in common, and the flag behind which they hide."""
    return [
        FaultKind(
            str(name), str(summary), layer, (*first, *(one for one in more if isinstance(one, Parameter))), flag=flag
        )
        for name, summary, *more in kinds
    ]


_RELEASE = _one_of("release", "candidate, stable: the release that has the fault")
_WHOSE = _one_of(
    "release", "other, stable, candidate: whose files are meant, other being always the one that is not live"
)
_BUILT = _one_of("release", "any, stable, candidate: whose deploys are so, any being whatever is published")
_PATH = Parameter("path", None, "the path it applies to; * stands for anything")
_SERVER = _one_of("server", "both, api, frontend, supabase: which server answers so, both being API and site")
_BANNING = _one_of("server", "api, frontend, both: which server refuses")
_REFUSAL = _one_of("status", "403, 429: how, the second with Retry-After")

_OF_A_RELEASE = [
    *_kinds(
        "release",
        ("errors", "a share of the users' requests answers 500", _share(0.6)),
        (
            "feature-fails-for-some",
            "a core feature answers 500 to a share of the users, always the same ones",
            _number("percent", 30, 100, "share of the users for whom it fails"),
            _one_of("what", "chat, expenses: which feature"),
        ),
        first=(_RELEASE,),
        flag=_ENHANCED,
    ),
    *_kinds(
        "release",
        (
            "router-fails",
            "a share of the users' requests answers 500 while today's model router is on, by its row or its variable",
            _share(0.6),
        ),
        first=(_RELEASE,),
        flag="PAM_AI_ROUTER",
    ),
    *_kinds(
        "release",
        ("latency", "the users' requests take longer", _late(900, "added to each request")),
        first=(_RELEASE,),
        flag="PAM_PERFORMANCE_OPTIMIZATIONS",
    ),
    *_kinds("release", ("voice", "voice requests fail"), first=(_RELEASE,), flag="PAM_VOICE_FEATURES"),
    *_kinds(
        "release",
        ("code-errors", "a share of the users' requests answers 500, whatever the flags say", _share(0.6)),
        (
            "writes-forgotten",
            "writes are acknowledged and not stored",
            _one_of("what", "expenses, settings, messages, deletions: which writes"),
        ),
        (
            "configuration-lost",
            "a change of flags takes older configuration away, until the fault is cleared",
            _one_of(
                "what",
                "settings: all that were first written more than an hour ago; flags: all that the change does not name",
            ),
        ),
        ("admin-refuses", "the admin API answers 401 to the right token"),
        ("flags-ignored", "the admin API says 200 and changes nothing"),
        (
            "flags-partial",
            "some users keep a feature that was switched off",
            _number("percent", 5, 100, "share of the users who keep it"),
            _one_of("who", "anybody: accounts and strangers; accounts: nobody does who has no account"),
        ),
        (
            "auth-bypass",
            "requests are served without a right token",
            _one_of(
                "accepts",
                "missing: no token, in both APIs; wrong: any text, in both APIs; unverified: the account that a token claims, whoever "
                "signed it; expired: a token that was good; users-as-admins: the admin API takes every user's token; any-password: the "
                "sign-in takes any",
            ),
        ),
        (
            "cross-user-read",
            "users are shown what belongs to others",
            _one_of(
                "what",
                "expenses, messages, settings, tickets: everybody's newest in this list; profile: somebody else's; user-id: those of the "
                "account that ?user_id= names",
            ),
        ),
        (
            "memory-leak",
            "the process of a release holds more memory, and more and more of it",
            _number("mb", 150, 500, "MB (10^6 bytes) that are lost at once"),
            _number("mb_per_s", 0, 20, "MB that are lost each second, as long as requests come"),
        ),
        ("model-down", "the model provider does not answer: PAM can think of nothing"),
        (
            "chat-apologises",
            "the model provider does not answer, and PAM says so in a friendly way: HTTP 200, an apology, no intent",
            _one_of("says", "apology: a friendly one; traceback: the end of a program, with an intent"),
        ),
        (
            "expenses-falsified",
            "an expense is not what was entered",
            _one_of(
                "how",
                "shown: a hundred times as much, as when hundredths are taken for units; stored: a tenth; doubled: stored twice",
            ),
        ),
        (
            "chat-answers-anothers-words",
            "PAM's answers are kept by what they are about, and given to whoever asks about that next",
        ),
        (
            "failure-beside",
            "what chat, profile and expenses answer says besides that it failed: HTTP 200, and the content is as ever",
        ),
        first=(_RELEASE,),
    ),
    *_kinds(
        "process",
        (
            "release-down",
            "the process of a release does not answer",
            _RELEASE,
            _one_of("how", "killed: connections are refused; hung: they are accepted"),
        ),
    ),
]
_OF_THE_DATA = [
    *_kinds("database", ("database-down", "the database server is stopped")),
    *_kinds(
        "data",
        (
            "data",
            "rows or the catalogue of the database are damaged; each `what` says in its first line how",
            Parameter("what", None, "a file of the folder damage, without its ending", choices=damage_names()),
        ),
    ),
]
_OF_ANSWERS = [
    *_kinds(
        "edge",
        ("answers-html", "200 with the front end's page instead of JSON"),
        ("answers-unhealthy", "200 with a body that says unhealthy"),
        ("answers-503-healthy", "503 with a body that says healthy"),
        ("answers-garbage", "200, declared as JSON, which it is not"),
        (
            "answers-wrong-release",
            "a healthy answer of another release",
            Parameter("version", "1.40.9", "the version that the answer claims"),
        ),
        (
            "answers-lying",
            "200 with a body that says healthy, and something else besides",
            _said(
                "how",
                "twice: the key status, the first time unhealthy; not-a-number: a load of NaN; part-down: a part that is down; flag: "
                "healthy is false; issues: a filled list of issues; nameless: an unknown release; kept: an answer that a cache has had "
                "for a day; maintenance, warnings, alerts, breaker-open, traceback: what their names say",
            ),
        ),
        ("answers-never-ending", "headers, then a drip of spaces without end"),
        ("answers-silence", "the connection is accepted and nothing is ever sent"),
        ("answers-half-closed", "Content-Length promises more than is sent before the connection closes"),
        ("answers-without-commit", "the true answer, without the commit that it names"),
        (
            "answers-of-two-builds",
            "every other answer that names a commit names another one, of the same release",
            Parameter("commit", "0" * 40, "the commit that these answers claim"),
        ),
        ("answers-fail", "a share of the answers is 500", _share(1, "share that fails")),
        ("answers-slowly", "the true answer, late", _late(2000, "delay of the answer")),
        first=(_PATH, _SERVER),
    ),
    *_kinds(
        "answers",
        (
            "writes-fail",
            "what people write is answered 500, at the API and where rows are written, while all that they read is well",
            _one_of("what", "all, chat, expenses, settings, profile, tickets, history: which writes"),
            _number("after_s", 0, 3600, "how long after the planting it begins"),
        ),
        (
            "reads-behind",
            "expenses and history are shown as they were: a cache in front of them keeps each answer",
            _number("s", 90, 3600, "for so many seconds"),
        ),
        (
            "contents-altered",
            "what accounts read is not what is stored",
            _said(
                "what",
                "old-amounts: expenses of more than an hour ago are a hundred times as much; foreign-message: a message of somebody "
                "else in each history; preferences-empty: those of profile and settings",
            ),
        ),
        (
            "metrics-lie",
            "the product's metrics are not those of the process that answers",
            _one_of(
                "what",
                "frozen: as they were at the first reading; of-another: of a process that nobody asks for anything else",
            ),
        ),
    ),
    *_kinds(
        "edge",
        (
            "we-are-banned",
            "every path refuses this machine's requests, and nobody else's, as a product does that takes it for a scanner",
            _BANNING,
            _REFUSAL,
        ),
        ("everybody-is-banned", "every path refuses everybody", _BANNING, _REFUSAL),
        ("rate-limited-login", "signing in answers 429, and Retry-After"),
        ("path-missing", "the API has no such path: 404, as its framework answers", _PATH),
        ("delay-all", "every answer of the API and the front end is late", _late(250, "delay of each answer")),
        ("browsers-refused", "whoever asks as a browser is answered 503, and programs are served", _SERVER),
        ("phones-refused", "whoever has a telephone's browser is answered 500", _SERVER),
    ),
]
_OF_THE_SITE = _kinds(
    "page",
    (
        "page",
        "the front end's page carries something bad; each `what` says in its first line what it does",
        Parameter("what", None, "a file of the folder page_faults", choices=snippet_names()),
        _BUILT,
    ),
    (
        "page-withheld",
        "the front page comes with a header for which no browser shows it, or with bytes that are none of it",
        _one_of(
            "how",
            "no-scripts: a Content-Security-Policy that lets none run; sent-on: a Refresh to another host; reloads: one every 8 s; "
            "download: offered as a file; not-gzip: a Content-Encoding that it does not have",
        ),
    ),
    ("pictures-are-pages", "a picture is gone: the host answers its address with 200 and the page"),
    ("site-missing", "the deploys of a release have no page: the host answers 404 to every visitor", _RELEASE),
    (
        "front-end-built-without-variables",
        "the site does not know where its service is: every address is 200 with its page, which only shows an error",
        _BUILT,
    ),
    (
        "missing-script-served-as-html",
        "a script of the page is gone: the host answers its address as every unknown one, with 200 and the page",
        _BUILT,
        _one_of("asset", "app/main.js: the page's own; app/services.js: the module that today's page preloads"),
    ),
    (
        "lazy-scripts-gone",
        "scripts are gone that are loaded when a page is opened: each of these is an error screen then, and the first page is as ever",
        _BUILT,
        _share(0.5, "how many of them"),
        _one_of("how", "html: 200 with the page in its place; 404: not found"),
    ),
    (
        "error-page-served",
        "every unknown address, the front page too, is 200 with a page that only says that something went wrong",
        _BUILT,
    ),
    (
        "old-asset-served",
        "the host's cache has another release's content for one file of the live release, until it is purged",
        _WHOSE,
        Parameter("asset", "app/main.js", "which file", choices=asset_names()),
    ),
    (
        "old-page-served",
        "the host's cache has another release's page, while version.json names the live one, until it is purged",
        _WHOSE,
        _one_of("assets", "cached: its files are there too, the page works; gone: it refers to files that are no more"),
    ),
    (
        "old-error-served",
        "the host's cache keeps an old 502 for the front page; whoever asks past the cache gets the page",
    ),
    (
        "service-worker-stuck",
        "the published service worker answers from the second load on with a release's page and files of its own",
        _WHOSE,
    ),
)
_OF_CHANNELS = _kinds(
    "notifications",
    ("notifications-down", "the Slack webhook answers 500 rollup_error"),
    (
        "channel-fails",
        "one of the channels by which people are told does not take what is sent to it",
        _said("what", "slack, pagerduty, email, statuspage: which channel"),
        _one_of(
            "how",
            "down: connections are closed; hangs: nothing is ever answered; refuses: in the provider's own words; rate-limited: too "
            "many requests, try again in half a minute",
        ),
    ),
    (
        "status-page-lies",
        "the status page says something else than what was posted there",
        _one_of("claims", "major-outage: critical, with an open incident"),
    ),
    ("status-page-down", "the status page answers 503"),
)
_OF_HOSTS = [
    *_kinds(
        "repository",
        (
            "repository",
            "the product's repository does not do what it is asked",
            _said(
                "what",
                "refused: pushes, as to a protected branch; hangs: a push, before anything is moved; done-but-hangs: a push, after the "
                "branch was moved; gone: there is no remote, also not for the hosts that build from it",
            ),
        ),
    ),
    *_kinds(
        "provider",
        (
            "worker-left-behind",
            "deploys of today's worker fail, so that it stays on its release while the API, of the same commit, moves",
        ),
        (
            "render-deploys",
            "Render's API refuses, is silent or answers nonsense where deploys are concerned, or a deploy does not become what it should",
            _said(
                "what",
                "error-401, error-403, error-500, error-503: this status; garbage: no JSON; hangs: nothing is ever sent; reset: the "
                "connection is cut; answer-lost: it is done, then cut; queued: a deploy is accepted with 202 and no body; never-live, "
                "build-fails, update-fails: what becomes of a deploy; superseded: a colleague pushes to main while it runs; expired: no "
                "earlier build is kept; live-in-name-only: a deploy is called live, and the process of before goes on answering",
            ),
            _one_of(
                "operation", "all, service, patch, list, get, deploy, rollback, cancel: which request is answered so"
            ),
        ),
        (
            "render-metrics",
            "Render's metrics API refuses, is silent, or tells something else than what happened",
            _said(
                "what",
                "error-500, unauthorized, rate-limited: refused; hangs: nothing is ever sent; garbage: no JSON; empty: no series; stale: "
                "nothing since now; coarse: steps of a minute; gaps: holes of 8 s; not-a-number: null; errors-untold: no series of "
                "errors; another-service: the figures of a quiet and healthy one",
            ),
        ),
        (
            "netlify-answers",
            "Netlify's API answers something else than what it does",
            _said(
                "what",
                "error-401, error-403, error-500, error-503: refused with this status; garbage: done, and the answer is no JSON; hangs: "
                "nothing is ever sent; reset: the connection is cut before anything is done; answer-lost: it is done, then cut",
            ),
            _one_of(
                "operation",
                "all, restore, lock, site, deploys, upload, cancel, builds, purge, account: which operations, upload being declaring "
                "and sending files",
            ),
        ),
        (
            "netlify-behaviour",
            "Netlify says yes and does something else, or has less than it had",
            _said(
                "what",
                "restore-never-published: accepted only; restore-superseded: published, and soon after replaced by a build of what was "
                "published before, unless locked; deploy-expired: earlier deploys are gone; purge-without-effect: accepted only",
            ),
        ),
    ),
]
CATALOGUE: Mapping[str, FaultKind] = {
    kind.name: kind
    for kinds in (_OF_A_RELEASE, _OF_THE_DATA, _OF_ANSWERS, _OF_THE_SITE, _OF_CHANNELS, _OF_HOSTS)
    for kind in kinds
}
