"""Everything that can be broken on purpose.

In one module: an entry for each fault, to be looked up by its name.
"""

from collections.abc import Mapping

from pam_rollback.sandbox.builds import asset_names
from pam_rollback.sandbox.damage_files import damage_names
from pam_rollback.sandbox.fault_kinds import FaultKind, Parameter
from pam_rollback.sandbox.page_snippets import snippet_names

_RELEASE = Parameter("release", "candidate", "the release that has the fault", choices=("stable", "candidate"))
_PATH = Parameter("path", None, "the path it applies to; * stands for anything")
_SERVER = Parameter(
    "server", "both", "which server answers so; both: API and site", choices=("api", "frontend", "supabase", "both")
)
_BANNING = Parameter("server", "api", "which server refuses", choices=("api", "frontend", "both"))
_REFUSAL = Parameter("status", "403", "how: 403, or 429 with Retry-After", choices=("403", "429"))
_MS_MAX = 120_000
OTHER_RELEASE = "other"
ANY_RELEASE = "any"
REPOSITORY_OUTAGES = ("refused", "hangs", "done-but-hangs", "gone")
_WHOSE = Parameter(
    "release",
    OTHER_RELEASE,
    "the release whose files are meant; other: always the one that is not live",
    choices=(OTHER_RELEASE, "stable", "candidate"),
)

_BUILT = Parameter(
    "release",
    ANY_RELEASE,
    "whose deploys are so; any: whatever is published",
    choices=(ANY_RELEASE, "stable", "candidate"),
)


def _milliseconds(default: float, summary: str) -> Parameter:
    return Parameter("ms", default, summary, low=0, high=_MS_MAX)


def _answer(name: str, summary: str, *parameters: Parameter) -> FaultKind:
    return FaultKind(name, summary, "edge", (_PATH, _SERVER, *parameters))


_KINDS = (
    FaultKind(
        "errors",
        "a share of the users' requests answers 500",
        "release",
        (_RELEASE, Parameter("share", 0.6, "share of the requests that fail", low=0, high=1)),
        flag="PAM_ENHANCED_UI",
    ),
    FaultKind(
        "code-errors",
        "a share of the users' requests answers 500, whatever the flags say",
        "release",
        (_RELEASE, Parameter("share", 0.6, "share of the requests that fail", low=0, high=1)),
    ),
    FaultKind(
        "router-fails",
        "a share of the users' requests answers 500 while today's model router is on, by its row or its variable",
        "release",
        (_RELEASE, Parameter("share", 0.6, "share of the requests that fail", low=0, high=1)),
        flag="PAM_AI_ROUTER",
    ),
    FaultKind(
        "latency",
        "the users' requests take longer",
        "release",
        (_RELEASE, _milliseconds(900, "added to each request")),
        flag="PAM_PERFORMANCE_OPTIMIZATIONS",
    ),
    FaultKind("voice", "voice requests fail", "release", (_RELEASE,), flag="PAM_VOICE_FEATURES"),
    FaultKind(
        "writes-forgotten",
        "writes are acknowledged and not stored",
        "release",
        (
            _RELEASE,
            Parameter("what", "expenses", "which writes", choices=("expenses", "settings", "messages", "deletions")),
        ),
    ),
    FaultKind(
        "configuration-lost",
        "a change of flags takes older configuration away, until the fault is cleared",
        "release",
        (
            _RELEASE,
            Parameter(
                "what",
                "settings",
                "flags: all that the change does not name; settings: all that were first written more than an hour ago",
                choices=("flags", "settings"),
            ),
        ),
    ),
    FaultKind("admin-refuses", "the admin API answers 401 to the right token", "release", (_RELEASE,)),
    FaultKind("flags-ignored", "the admin API says 200 and changes nothing", "release", (_RELEASE,)),
    FaultKind(
        "flags-partial",
        "some users keep a feature that was switched off",
        "release",
        (
            _RELEASE,
            Parameter("percent", 5, "share of the users who keep it", low=0, high=100),
            Parameter("who", "anybody", "accounts: nobody does who has no account", choices=("anybody", "accounts")),
        ),
    ),
    FaultKind(
        "auth-bypass",
        "requests are served without a right token",
        "release",
        (
            _RELEASE,
            Parameter(
                "accepts",
                "missing",
                "missing: no token, in both APIs; wrong: any text, in both APIs; unverified: the account that a token claims, whoever "
                "signed it; expired: a token that was good; users-as-admins: the admin API takes every user's token; any-password: the "
                "sign-in takes any",
                choices=("missing", "wrong", "unverified", "expired", "users-as-admins", "any-password"),
            ),
        ),
    ),
    FaultKind(
        "cross-user-read",
        "users are shown what belongs to others",
        "release",
        (
            _RELEASE,
            Parameter(
                "what",
                "expenses",
                "expenses, messages, settings, tickets: everybody's newest in this list; profile: somebody else's; user-id: those of the "
                "account that ?user_id= names",
                choices=("expenses", "messages", "settings", "tickets", "profile", "user-id"),
            ),
        ),
    ),
    FaultKind(
        "feature-fails-for-some",
        "a core feature answers 500 to a share of the users, always the same ones",
        "release",
        (
            _RELEASE,
            Parameter("percent", 30, "share of the users for whom it fails", low=0, high=100),
            Parameter("what", "chat", "which feature", choices=("chat", "expenses")),
        ),
        flag="PAM_ENHANCED_UI",
    ),
    FaultKind(
        "memory-leak",
        "the process of a release holds more memory, and more and more of it",
        "release",
        (
            _RELEASE,
            Parameter("mb", 150, "MB (10^6 bytes) that are lost at once", low=0, high=500),
            Parameter("mb_per_s", 0, "MB that are lost each second, as long as requests come", low=0, high=20),
        ),
    ),
    FaultKind("model-down", "the model provider does not answer: PAM can think of nothing", "release", (_RELEASE,)),
    FaultKind(
        "chat-apologises",
        "the model provider does not answer, and PAM says so in a friendly way: HTTP 200, an apology, no intent",
        "release",
        (
            _RELEASE,
            Parameter(
                "says",
                "apology",
                "apology: a friendly one; traceback: the end of a program, with an intent",
                choices=("apology", "traceback"),
            ),
        ),
    ),
    FaultKind(
        "expenses-falsified",
        "an expense is not what was entered",
        "release",
        (
            _RELEASE,
            Parameter(
                "how",
                "shown",
                "shown: a hundred times as much, as when hundredths are taken for units; stored: a tenth; doubled: stored twice",
                choices=("shown", "stored", "doubled"),
            ),
        ),
    ),
    FaultKind(
        "chat-answers-anothers-words",
        "PAM's answers are kept by what they are about, and given to whoever asks about that next",
        "release",
        (_RELEASE,),
    ),
    FaultKind(
        "failure-beside",
        "what chat, profile and expenses answer says besides that it failed: HTTP 200, and the content is as ever",
        "release",
        (_RELEASE,),
    ),
    FaultKind(
        "release-down",
        "the process of a release does not answer",
        "process",
        (
            _RELEASE,
            Parameter(
                "how", "killed", "killed: connections are refused; hung: they are accepted", choices=("killed", "hung")
            ),
        ),
    ),
    FaultKind("database-down", "the database server is stopped", "database"),
    FaultKind(
        "data",
        "rows or the catalogue of the database are damaged; each `what` says in its first line how",
        "data",
        (
            Parameter(
                "what", None, "a file of the folder damage, without its ending", choices=damage_names(of_today=True)
            ),
        ),
    ),
    _answer("answers-html", "200 with the front end's page instead of JSON"),
    _answer("answers-unhealthy", "200 with a body that says unhealthy"),
    _answer("answers-503-healthy", "503 with a body that says healthy"),
    _answer("answers-garbage", "200, declared as JSON, which it is not"),
    _answer(
        "answers-wrong-release",
        "a healthy answer of another release",
        Parameter("version", "1.40.9", "the version that the answer claims"),
    ),
    _answer(
        "answers-lying",
        "200 with a body that says healthy, and something else besides",
        Parameter(
            "how",
            None,
            "twice: the key status, the first time unhealthy; not-a-number: a load of NaN; part-down: a part that is down; flag: healthy "
            "is false; issues: a filled list of issues; nameless: an unknown release; kept: an answer that a cache has had for a day; "
            "maintenance, warnings, alerts, breaker-open, traceback: what their names say",
            choices=(
                *("twice", "not-a-number", "part-down", "flag", "issues", "nameless", "kept"),
                *("maintenance", "warnings", "alerts", "breaker-open", "traceback"),
            ),
        ),
    ),
    _answer("answers-never-ending", "headers, then a drip of spaces without end"),
    _answer("answers-silence", "the connection is accepted and nothing is ever sent"),
    _answer("answers-half-closed", "Content-Length promises more than is sent before the connection closes"),
    _answer("answers-without-commit", "the true answer, without the commit that it names"),
    _answer(
        "answers-of-two-builds",
        "every other answer that names a commit names another one, of the same release",
        Parameter("commit", "0" * 40, "the commit that these answers claim"),
    ),
    _answer(
        "answers-fail", "a share of the answers is 500", Parameter("share", 1.0, "share that fails", low=0, high=1)
    ),
    _answer("answers-slowly", "the true answer, late", _milliseconds(2000, "delay of the answer")),
    FaultKind(
        "writes-fail",
        "what people write is answered 500, at the API and where rows are written, while all that they read is well",
        "answers",
        (
            Parameter(
                "what",
                "all",
                "which writes; chat: questions to PAM",
                choices=("all", "chat", "expenses", "settings", "profile", "tickets", "history"),
            ),
            Parameter("after_s", 0, "how long after the planting it begins", low=0, high=3600),
        ),
    ),
    FaultKind(
        "reads-behind",
        "expenses and history are shown as they were: a cache in front of them keeps each answer",
        "answers",
        (Parameter("s", 90, "for so many seconds", low=0, high=3600),),
    ),
    FaultKind(
        "contents-altered",
        "what accounts read is not what is stored",
        "answers",
        (
            Parameter(
                "what",
                None,
                "old-amounts: expenses of more than an hour ago are a hundred times as much; foreign-message: a message of somebody else "
                "in each history; preferences-empty: those of profile and settings",
                choices=("old-amounts", "foreign-message", "preferences-empty"),
            ),
        ),
    ),
    FaultKind(
        "metrics-lie",
        "the product's metrics are not those of the process that answers",
        "answers",
        (
            Parameter(
                "what",
                "frozen",
                "frozen: as they were at the first reading; of-another: of a process that nobody asks for anything else",
                choices=("frozen", "of-another"),
            ),
        ),
    ),
    FaultKind(
        "we-are-banned",
        "every path refuses this machine's requests, and nobody else's, as a product does that takes it for a scanner",
        "edge",
        (_BANNING, _REFUSAL),
    ),
    FaultKind("everybody-is-banned", "every path refuses everybody", "edge", (_BANNING, _REFUSAL)),
    FaultKind("rate-limited-login", "signing in answers 429, and Retry-After", "edge"),
    FaultKind(
        "path-missing",
        "the API has no such path: 404, as its framework answers",
        "edge",
        (_PATH,),
    ),
    FaultKind(
        "delay-all",
        "every answer of the API and the front end is late",
        "edge",
        (_milliseconds(250, "delay of each answer"),),
    ),
    FaultKind(
        "page",
        "the front end's page carries something bad; each `what` says in its first line what it does",
        "page",
        (
            Parameter("what", None, "a file of the folder page_faults", choices=snippet_names()),
            Parameter(
                "release",
                ANY_RELEASE,
                "whose deploys have it; any: whatever is published",
                choices=(ANY_RELEASE, "stable", "candidate"),
            ),
        ),
    ),
    FaultKind(
        "page-withheld",
        "the front page comes with a header for which no browser shows it, or with bytes that are none of it",
        "page",
        (
            Parameter(
                "how",
                "no-scripts",
                "no-scripts: a Content-Security-Policy that lets none run; sent-on: a Refresh to another host; reloads: one every 8 s; "
                "download: offered as a file; not-gzip: a Content-Encoding that it does not have",
                choices=("no-scripts", "sent-on", "reloads", "download", "not-gzip"),
            ),
        ),
    ),
    FaultKind("pictures-are-pages", "a picture is gone: the host answers its address with 200 and the page", "page"),
    FaultKind(
        "browsers-refused",
        "whoever asks as a browser is answered 503, and programs are served",
        "edge",
        (_SERVER,),
    ),
    FaultKind("phones-refused", "whoever has a telephone's browser is answered 500", "edge", (_SERVER,)),
    FaultKind(
        "site-missing",
        "the deploys of a release have no page: the host answers 404 to every visitor",
        "page",
        (Parameter("release", "candidate", "whose deploys have none", choices=("stable", "candidate")),),
    ),
    FaultKind(
        "front-end-built-without-variables",
        "the site does not know where its service is: every address is 200 with its page, which only shows an error",
        "page",
        (_BUILT,),
    ),
    FaultKind(
        "missing-script-served-as-html",
        "a script of the page is gone: the host answers its address as every unknown one, with 200 and the page",
        "page",
        (
            _BUILT,
            Parameter(
                "asset",
                "app/main.js",
                "the page's own, or the module that today's page preloads",
                choices=("app/main.js", "app/services.js"),
            ),
        ),
    ),
    FaultKind(
        "lazy-scripts-gone",
        "scripts are gone that are loaded when a page is opened: each of these is an error screen then, and the first page is as ever",
        "page",
        (
            _BUILT,
            Parameter("share", 0.5, "how many of them", low=0, high=1),
            Parameter("how", "html", "html: 200 with the page in its place, or 404", choices=("html", "404")),
        ),
    ),
    FaultKind(
        "error-page-served",
        "every unknown address, the front page too, is 200 with a page that only says that something went wrong",
        "page",
        (_BUILT,),
    ),
    FaultKind(
        "old-asset-served",
        "the host's cache has another release's content for one file of the live release, until it is purged",
        "page",
        (_WHOSE, Parameter("asset", "app/main.js", "which file", choices=asset_names())),
    ),
    FaultKind(
        "old-page-served",
        "the host's cache has another release's page, while version.json names the live one, until it is purged",
        "page",
        (
            _WHOSE,
            Parameter(
                "assets",
                "cached",
                "cached: its files are there too, the page works; gone: it refers to files that are no more",
                choices=("cached", "gone"),
            ),
        ),
    ),
    FaultKind(
        "old-error-served",
        "the host's cache keeps an old 502 for the front page; whoever asks past the cache gets the page",
        "page",
    ),
    FaultKind(
        "service-worker-stuck",
        "the published service worker answers from the second load on with a release's page and files of its own",
        "page",
        (_WHOSE,),
    ),
    FaultKind(
        "worker-left-behind",
        "deploys of today's worker fail, so that it stays on its release while the API, of the same commit, moves",
        "provider",
    ),
    FaultKind("notifications-down", "the Slack webhook answers 500 rollup_error", "notifications"),
    FaultKind(
        "channel-fails",
        "one of the channels by which people are told does not take what is sent to it",
        "notifications",
        (
            Parameter("what", None, "which channel", choices=("slack", "pagerduty", "email", "statuspage")),
            Parameter(
                "how",
                "down",
                "down: connections are closed; hangs: nothing is ever answered; refuses: in the provider's own words; rate-limited: too "
                "many requests, try again in half a minute",
                choices=("down", "hangs", "refuses", "rate-limited"),
            ),
        ),
    ),
    FaultKind(
        "status-page-lies",
        "the status page says something else than what was posted there",
        "notifications",
        (
            Parameter(
                "claims",
                "major-outage",
                "major-outage: critical, with an open incident; all-operational: nothing is wrong",
                choices=("major-outage", "all-operational"),
            ),
        ),
    ),
    FaultKind("status-page-down", "the status page answers 503", "notifications"),
    FaultKind(
        "repository",
        "the product's repository does not do what it is asked",
        "repository",
        (
            Parameter(
                "what",
                None,
                "refused: pushes, as to a protected branch; hangs: a push, before anything is moved; done-but-hangs: a push, after the "
                "branch was moved; gone: there is no remote, also not for the hosts that build from it",
                choices=REPOSITORY_OUTAGES,
            ),
        ),
    ),
    FaultKind(
        "render-deploys",
        "Render's API refuses, is silent or answers nonsense where deploys are concerned, or a deploy does not become what it should",
        "provider",
        (
            Parameter(
                "what",
                None,
                "error-N: this status; 429-epoch: Ratelimit-Reset as a date; 429-bare: without headers; garbage: no JSON; plain-text: a "
                "500 in text; hangs: nothing is ever sent; reset: the connection is cut; answer-lost: it is done, then cut; queued: "
                "a deploy is accepted with 202 and no body; never-live, build-fails, update-fails: what becomes of a deploy; "
                "superseded: a colleague pushes to main while it runs; expired: no earlier build is kept; "
                "live-in-name-only: a deploy is called live, and the process of before goes on answering",
                choices=(
                    *(f"error-{status}" for status in (401, 403, 404, 409, 422, 429, 500, 503)),
                    "429-epoch",
                    "429-bare",
                    "garbage",
                    "plain-text",
                    "hangs",
                    "reset",
                    "answer-lost",
                    "queued",
                    "never-live",
                    "build-fails",
                    "update-fails",
                    "superseded",
                    "expired",
                    "live-in-name-only",
                ),
            ),
            Parameter(
                "operation",
                "all",
                "which request is answered so",
                choices=("all", "service", "patch", "list", "get", "deploy", "rollback", "cancel", "events"),
            ),
        ),
    ),
    FaultKind(
        "render-metrics",
        "Render's metrics API refuses, is silent, or tells something else than what happened",
        "provider",
        (
            Parameter(
                "what",
                None,
                "error-500, unauthorized, rate-limited: refused; hangs: nothing is ever sent; garbage: no JSON; empty: no series; stale: "
                "nothing since now; coarse: steps of a minute; gaps: holes of 8 s; not-a-number: null; errors-untold: no series of "
                "errors; another-service: the figures of a quiet and healthy one",
                choices=(
                    "error-500",
                    "unauthorized",
                    "rate-limited",
                    "hangs",
                    "garbage",
                    "empty",
                    "stale",
                    "coarse",
                    "gaps",
                    "not-a-number",
                    "errors-untold",
                    "another-service",
                ),
            ),
        ),
    ),
    FaultKind(
        "netlify-answers",
        "Netlify's API answers something else than what it does",
        "provider",
        (
            Parameter(
                "what",
                None,
                "error-N: refused with this status, 429-bare: without headers; garbage: done, and the answer is no JSON; hangs: nothing "
                "is ever sent; reset: the connection is cut before anything is done; answer-lost: it is done, then cut",
                choices=(
                    "error-401",
                    "error-403",
                    "error-404",
                    "error-409",
                    "error-422",
                    "error-429",
                    "429-bare",
                    "error-500",
                    "error-503",
                    "garbage",
                    "hangs",
                    "reset",
                    "answer-lost",
                ),
            ),
            Parameter(
                "operation",
                "all",
                "which operations; upload: declaring and sending files",
                choices=("all", "restore", "lock", "site", "deploys", "upload", "cancel", "builds", "purge", "account"),
            ),
        ),
    ),
    FaultKind(
        "netlify-behaviour",
        "Netlify says yes and does something else, or has less than it had",
        "provider",
        (
            Parameter(
                "what",
                None,
                "restore-never-published: accepted only; restore-superseded: published, and soon after replaced by a build of what was "
                "published before, unless locked; restore-refused-when-locked: 422 until unlocked; deploy-expired: earlier deploys "
                "are gone; purge-without-effect: accepted only",
                choices=(
                    "restore-never-published",
                    "restore-superseded",
                    "restore-refused-when-locked",
                    "deploy-expired",
                    "purge-without-effect",
                ),
            ),
        ),
    ),
)
CATALOGUE: Mapping[str, FaultKind] = {kind.name: kind for kind in _KINDS}
