"""Everything that can be broken on purpose: nothing else says what a fault takes.

In one module: an entry for each fault, to be looked up by its name.
"""

from collections.abc import Mapping

from pam_sandbox.builds import asset_names, snippet_names
from pam_sandbox.data_damage import damage_names
from pam_sandbox.faults import FaultKind, Layer, Parameter

OTHER_RELEASE = "other"
ANY_RELEASE = "any"
REPOSITORY_OUTAGES = ("refused", "hangs", "done-but-hangs", "gone")
_NAMED = ("stable", "candidate")
_ENHANCED = "PAM_ENHANCED_UI"


def _one_of(name: str, choices: str, summary: str) -> Parameter:
    # The first of its choices unless somebody says so.
    return Parameter(name, choices.split(maxsplit=1)[0], summary, choices=tuple(choices.split()))


def _said(name: str, choices: str, summary: str) -> Parameter:
    return Parameter(name, None, summary, choices=tuple(choices.split()))


def _number(name: str, default: float, high: float, summary: str) -> Parameter:
    return Parameter(name, default, summary, low=0, high=high)


def _share(default: float, summary: str = "share of the requests that fail") -> Parameter:
    return _number("share", default, 1, summary)


def _late(default: float, summary: str) -> Parameter:
    return _number("ms", default, 120_000, summary)


_RELEASE = Parameter("release", "candidate", "the release that has the fault", choices=_NAMED)
_WHOSE = Parameter(
    "release",
    OTHER_RELEASE,
    "the release whose files are meant; other: always the one that is not live",
    choices=(OTHER_RELEASE, *_NAMED),
)
_BUILT = Parameter(
    "release", ANY_RELEASE, "whose deploys are so; any: whatever is published", choices=(ANY_RELEASE, *_NAMED)
)
_PATH = Parameter("path", None, "the path it applies to; * stands for anything")
_SERVER = _one_of("server", "both api frontend supabase", "which server answers so; both: API and site")
_BANNING = _one_of("server", "api frontend both", "which server refuses")
_REFUSAL = _one_of("status", "403 429", "how: 403, or 429 with Retry-After")


def _release(name: str, summary: str, *parameters: Parameter, flag: str | None = None) -> FaultKind:
    return FaultKind(name, summary, "release", (_RELEASE, *parameters), flag=flag)


def _answer(name: str, summary: str, *parameters: Parameter) -> FaultKind:
    return FaultKind(name, summary, "edge", (_PATH, _SERVER, *parameters))


def _kind(layer: Layer, name: str, summary: str, *parameters: Parameter) -> FaultKind:
    return FaultKind(name, summary, layer, parameters)


_OF_A_RELEASE = (
    _release("errors", "a share of the users' requests answers 500", _share(0.6), flag=_ENHANCED),
    _release("code-errors", "a share of the users' requests answers 500, whatever the flags say", _share(0.6)),
    _release(
        "router-fails",
        "a share of the users' requests answers 500 while today's model router is on, by its row or its variable",
        _share(0.6),
        flag="PAM_AI_ROUTER",
    ),
    _release(
        "latency",
        "the users' requests take longer",
        _late(900, "added to each request"),
        flag="PAM_PERFORMANCE_OPTIMIZATIONS",
    ),
    _release("voice", "voice requests fail", flag="PAM_VOICE_FEATURES"),
    _release(
        "writes-forgotten",
        "writes are acknowledged and not stored",
        _one_of("what", "expenses settings messages deletions", "which writes"),
    ),
    _release(
        "configuration-lost",
        "a change of flags takes older configuration away, until the fault is cleared",
        _one_of(
            "what",
            "settings flags",
            "flags: all that the change does not name; settings: all that were first written more than an hour ago",
        ),
    ),
    _release("admin-refuses", "the admin API answers 401 to the right token"),
    _release("flags-ignored", "the admin API says 200 and changes nothing"),
    _release(
        "flags-partial",
        "some users keep a feature that was switched off",
        _number("percent", 5, 100, "share of the users who keep it"),
        _one_of("who", "anybody accounts", "accounts: nobody does who has no account"),
    ),
    _release(
        "auth-bypass",
        "requests are served without a right token",
        _one_of(
            "accepts",
            "missing wrong unverified expired users-as-admins any-password",
            "missing: no token, in both APIs; wrong: any text, in both APIs; unverified: the account that a token claims, whoever "
            "signed it; expired: a token that was good; users-as-admins: the admin API takes every user's token; any-password: the "
            "sign-in takes any",
        ),
    ),
    _release(
        "cross-user-read",
        "users are shown what belongs to others",
        _one_of(
            "what",
            "expenses messages settings tickets profile user-id",
            "expenses, messages, settings, tickets: everybody's newest in this list; profile: somebody else's; user-id: those of the "
            "account that ?user_id= names",
        ),
    ),
    _release(
        "feature-fails-for-some",
        "a core feature answers 500 to a share of the users, always the same ones",
        _number("percent", 30, 100, "share of the users for whom it fails"),
        _one_of("what", "chat expenses", "which feature"),
        flag=_ENHANCED,
    ),
    _release(
        "memory-leak",
        "the process of a release holds more memory, and more and more of it",
        _number("mb", 150, 500, "MB (10^6 bytes) that are lost at once"),
        _number("mb_per_s", 0, 20, "MB that are lost each second, as long as requests come"),
    ),
    _release("model-down", "the model provider does not answer: PAM can think of nothing"),
    _release(
        "chat-apologises",
        "the model provider does not answer, and PAM says so in a friendly way: HTTP 200, an apology, no intent",
        _one_of(
            "says", "apology traceback", "apology: a friendly one; traceback: the end of a program, with an intent"
        ),
    ),
    _release(
        "expenses-falsified",
        "an expense is not what was entered",
        _one_of(
            "how",
            "shown stored doubled",
            "shown: a hundred times as much, as when hundredths are taken for units; stored: a tenth; doubled: stored twice",
        ),
    ),
    _release(
        "chat-answers-anothers-words",
        "PAM's answers are kept by what they are about, and given to whoever asks about that next",
    ),
    _release(
        "failure-beside",
        "what chat, profile and expenses answer says besides that it failed: HTTP 200, and the content is as ever",
    ),
    _kind(
        "process",
        "release-down",
        "the process of a release does not answer",
        _RELEASE,
        _one_of("how", "killed hung", "killed: connections are refused; hung: they are accepted"),
    ),
)
_OF_THE_DATA = (
    _kind("database", "database-down", "the database server is stopped"),
    _kind(
        "data",
        "data",
        "rows or the catalogue of the database are damaged; each `what` says in its first line how",
        Parameter("what", None, "a file of the folder damage, without its ending", choices=damage_names(of_today=True)),
    ),
)
_OF_ANSWERS = (
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
        _said(
            "how",
            "twice not-a-number part-down flag issues nameless kept maintenance warnings alerts breaker-open traceback",
            "twice: the key status, the first time unhealthy; not-a-number: a load of NaN; part-down: a part that is down; flag: healthy "
            "is false; issues: a filled list of issues; nameless: an unknown release; kept: an answer that a cache has had for a day; "
            "maintenance, warnings, alerts, breaker-open, traceback: what their names say",
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
    _answer("answers-fail", "a share of the answers is 500", _share(1, "share that fails")),
    _answer("answers-slowly", "the true answer, late", _late(2000, "delay of the answer")),
    _kind(
        "answers",
        "writes-fail",
        "what people write is answered 500, at the API and where rows are written, while all that they read is well",
        _one_of("what", "all chat expenses settings profile tickets history", "which writes; chat: questions to PAM"),
        _number("after_s", 0, 3600, "how long after the planting it begins"),
    ),
    _kind(
        "answers",
        "reads-behind",
        "expenses and history are shown as they were: a cache in front of them keeps each answer",
        _number("s", 90, 3600, "for so many seconds"),
    ),
    _kind(
        "answers",
        "contents-altered",
        "what accounts read is not what is stored",
        _said(
            "what",
            "old-amounts foreign-message preferences-empty",
            "old-amounts: expenses of more than an hour ago are a hundred times as much; foreign-message: a message of somebody else "
            "in each history; preferences-empty: those of profile and settings",
        ),
    ),
    _kind(
        "answers",
        "metrics-lie",
        "the product's metrics are not those of the process that answers",
        _one_of(
            "what",
            "frozen of-another",
            "frozen: as they were at the first reading; of-another: of a process that nobody asks for anything else",
        ),
    ),
    _kind(
        "edge",
        "we-are-banned",
        "every path refuses this machine's requests, and nobody else's, as a product does that takes it for a scanner",
        _BANNING,
        _REFUSAL,
    ),
    _kind("edge", "everybody-is-banned", "every path refuses everybody", _BANNING, _REFUSAL),
    _kind("edge", "rate-limited-login", "signing in answers 429, and Retry-After"),
    _kind("edge", "path-missing", "the API has no such path: 404, as its framework answers", _PATH),
    _kind("edge", "delay-all", "every answer of the API and the front end is late", _late(250, "delay of each answer")),
    _kind(
        "edge",
        "browsers-refused",
        "whoever asks as a browser is answered 503, and programs are served",
        _SERVER,
    ),
    _kind("edge", "phones-refused", "whoever has a telephone's browser is answered 500", _SERVER),
)
_OF_THE_SITE = (
    _kind(
        "page",
        "page",
        "the front end's page carries something bad; each `what` says in its first line what it does",
        Parameter("what", None, "a file of the folder page_faults", choices=snippet_names()),
        _BUILT,
    ),
    _kind(
        "page",
        "page-withheld",
        "the front page comes with a header for which no browser shows it, or with bytes that are none of it",
        _one_of(
            "how",
            "no-scripts sent-on reloads download not-gzip",
            "no-scripts: a Content-Security-Policy that lets none run; sent-on: a Refresh to another host; reloads: one every 8 s; "
            "download: offered as a file; not-gzip: a Content-Encoding that it does not have",
        ),
    ),
    _kind("page", "pictures-are-pages", "a picture is gone: the host answers its address with 200 and the page"),
    _kind(
        "page",
        "site-missing",
        "the deploys of a release have no page: the host answers 404 to every visitor",
        Parameter("release", "candidate", "whose deploys have none", choices=_NAMED),
    ),
    _kind(
        "page",
        "front-end-built-without-variables",
        "the site does not know where its service is: every address is 200 with its page, which only shows an error",
        _BUILT,
    ),
    _kind(
        "page",
        "missing-script-served-as-html",
        "a script of the page is gone: the host answers its address as every unknown one, with 200 and the page",
        _BUILT,
        _one_of("asset", "app/main.js app/services.js", "the page's own, or the module that today's page preloads"),
    ),
    _kind(
        "page",
        "lazy-scripts-gone",
        "scripts are gone that are loaded when a page is opened: each of these is an error screen then, and the first page is as ever",
        _BUILT,
        _share(0.5, "how many of them"),
        _one_of("how", "html 404", "html: 200 with the page in its place, or 404"),
    ),
    _kind(
        "page",
        "error-page-served",
        "every unknown address, the front page too, is 200 with a page that only says that something went wrong",
        _BUILT,
    ),
    _kind(
        "page",
        "old-asset-served",
        "the host's cache has another release's content for one file of the live release, until it is purged",
        _WHOSE,
        Parameter("asset", "app/main.js", "which file", choices=asset_names()),
    ),
    _kind(
        "page",
        "old-page-served",
        "the host's cache has another release's page, while version.json names the live one, until it is purged",
        _WHOSE,
        _one_of(
            "assets",
            "cached gone",
            "cached: its files are there too, the page works; gone: it refers to files that are no more",
        ),
    ),
    _kind(
        "page",
        "old-error-served",
        "the host's cache keeps an old 502 for the front page; whoever asks past the cache gets the page",
    ),
    _kind(
        "page",
        "service-worker-stuck",
        "the published service worker answers from the second load on with a release's page and files of its own",
        _WHOSE,
    ),
)
_OF_CHANNELS = (
    _kind("notifications", "notifications-down", "the Slack webhook answers 500 rollup_error"),
    _kind(
        "notifications",
        "channel-fails",
        "one of the channels by which people are told does not take what is sent to it",
        _said("what", "slack pagerduty email statuspage", "which channel"),
        _one_of(
            "how",
            "down hangs refuses rate-limited",
            "down: connections are closed; hangs: nothing is ever answered; refuses: in the provider's own words; rate-limited: too "
            "many requests, try again in half a minute",
        ),
    ),
    _kind(
        "notifications",
        "status-page-lies",
        "the status page says something else than what was posted there",
        _one_of("claims", "major-outage", "major-outage: critical, with an open incident"),
    ),
    _kind("notifications", "status-page-down", "the status page answers 503"),
)
_OF_HOSTS = (
    _kind(
        "provider",
        "worker-left-behind",
        "deploys of today's worker fail, so that it stays on its release while the API, of the same commit, moves",
    ),
    _kind(
        "repository",
        "repository",
        "the product's repository does not do what it is asked",
        Parameter(
            "what",
            None,
            "refused: pushes, as to a protected branch; hangs: a push, before anything is moved; done-but-hangs: a push, after the "
            "branch was moved; gone: there is no remote, also not for the hosts that build from it",
            choices=REPOSITORY_OUTAGES,
        ),
    ),
    _kind(
        "provider",
        "render-deploys",
        "Render's API refuses, is silent or answers nonsense where deploys are concerned, or a deploy does not become what it should",
        _said(
            "what",
            "error-401 error-403 error-500 error-503 garbage hangs reset answer-lost queued never-live build-fails update-fails "
            "superseded expired live-in-name-only",
            "error-N: this status; garbage: no JSON; hangs: nothing is ever sent; reset: the connection is cut; answer-lost: it is "
            "done, then cut; queued: a deploy is accepted with 202 and no body; never-live, build-fails, update-fails: what becomes "
            "of a deploy; "
            "superseded: a colleague pushes to main while it runs; expired: no earlier build is kept; "
            "live-in-name-only: a deploy is called live, and the process of before goes on answering",
        ),
        _one_of("operation", "all service patch list get deploy rollback cancel", "which request is answered so"),
    ),
    _kind(
        "provider",
        "render-metrics",
        "Render's metrics API refuses, is silent, or tells something else than what happened",
        _said(
            "what",
            "error-500 unauthorized rate-limited hangs garbage empty stale coarse gaps not-a-number errors-untold another-service",
            "error-500, unauthorized, rate-limited: refused; hangs: nothing is ever sent; garbage: no JSON; empty: no series; stale: "
            "nothing since now; coarse: steps of a minute; gaps: holes of 8 s; not-a-number: null; errors-untold: no series of "
            "errors; another-service: the figures of a quiet and healthy one",
        ),
    ),
    _kind(
        "provider",
        "netlify-answers",
        "Netlify's API answers something else than what it does",
        _said(
            "what",
            "error-401 error-403 error-500 error-503 garbage hangs reset answer-lost",
            "error-N: refused with this status; garbage: done, and the answer is no JSON; hangs: nothing is ever sent; reset: the "
            "connection is cut before anything is done; answer-lost: it is done, then cut",
        ),
        _one_of(
            "operation",
            "all restore lock site deploys upload cancel builds purge account",
            "which operations; upload: declaring and sending files",
        ),
    ),
    _kind(
        "provider",
        "netlify-behaviour",
        "Netlify says yes and does something else, or has less than it had",
        _said(
            "what",
            "restore-never-published restore-superseded deploy-expired purge-without-effect",
            "restore-never-published: accepted only; restore-superseded: published, and soon after replaced by a build of what was "
            "published before, unless locked; deploy-expired: earlier deploys are gone; purge-without-effect: accepted only",
        ),
    ),
)
CATALOGUE: Mapping[str, FaultKind] = {
    kind.name: kind
    for kinds in (_OF_A_RELEASE, _OF_THE_DATA, _OF_ANSWERS, _OF_THE_SITE, _OF_CHANNELS, _OF_HOSTS)
    for kind in kinds
}
