"""What the ways of rolling back stand on: a way needs a yes to all that name it, and nothing else."""

from pam_rollback.base.question import Question

PRODUCT, FRONT, BACK = "the product's API", "the front end's host", "the back end's host"
HOST, PACKAGES, GIT, NODE = "the repository's host", "the package registry", "git here", "Node.js and npm here"

_ALL = "full-system"
_FLAGS, _FRONTEND, _BACKEND = ("feature-flag", "gradual", _ALL), ("frontend", _ALL), ("backend", _ALL)
_BUILT = ("frontend-commit", "frontend-revert")
_OF_THE_FRONT = ("frontend-restore", *_BUILT, _ALL)
_OF_THE_BACK = ("backend-provider", "backend-commit", "backend-branch", _ALL)

FLAGS = Question(
    "the flag API knows our token and the plan's flags",
    _FLAGS,
    "flag_admin",
    PRODUCT,
    _FLAGS,
    does_without=(_ALL,),
    of_the_api=True,
)
FLAGS_CLOSED = Question("the flag API refuses callers without a token", _FLAGS, "flag_admin", of_the_api=True)
SHARES = Question("a share of users can be given a feature", ("gradual",), "flag_admin", PRODUCT, ("gradual",))
VARIABLES = Question("a variable of the host can be lowered within the plan's time", ("feature-flag",), "flag_admin")
EVALUATION = Question(
    "what a user gets can be asked", ("gradual",), "flag_evaluation", PRODUCT, ("gradual",), of_the_api=True
)
CACHE = Question("the call that clears the caches is there", (_ALL,), "cache_admin", of_the_api=True)
EMERGENCY = Question(
    "the emergency call is there and knows our token",
    ("emergency",),
    "emergency_endpoint",
    PRODUCT,
    ("emergency",),
    of_the_api=True,
)
EMERGENCY_CLOSED = Question(
    "the emergency call refuses callers without a token", ("emergency",), "emergency_endpoint", of_the_api=True
)
PUBLISHED = Question(
    "the front end's host knows our token and the site", _FRONTEND, "frontend_host", FRONT, _OF_THE_FRONT
)
FRONTEND_TARGET = Question(
    "an earlier front end can be restored", _FRONTEND, "frontend_host", FRONT, ("frontend-restore", _ALL)
)
UNLOCKED = Question("the site is not locked", _FRONTEND, "frontend_host")
FRONTEND_CLOCK = Question("this machine and the front end's host agree on the time", _FRONTEND, "frontend_host")
SERVICE = Question("the back end's host knows our token and the service", _BACKEND, "backend_host", BACK, _OF_THE_BACK)
BACKEND_TARGET = Question(
    "an earlier back end can be run again", _BACKEND, "backend_host", BACK, ("backend-provider", _ALL)
)
AUTODEPLOY = Question("pushes deploy the back end, as they should before a rollback", _BACKEND, "backend_host")
BACKEND_CLOCK = Question("this machine and the back end's host agree on the time", _BACKEND, "backend_host")
HEAD = Question(
    "the repository and its branch can be read",
    ("by-git",),
    "git",
    HOST,
    (*_BUILT, "backend-commit", "backend-branch"),  # the host builds a commit from the repository's host
)
PUSH = Question("a push would be taken (dry run)", ("by-git",), "git", HOST, ("frontend-revert", "backend-branch"))
GIT_HERE = Question("git is on this machine", ("by-git",), "git", GIT, (*_BUILT, "backend-branch"))
BUILD_HERE = Question("Node.js and npm are on this machine", ("builds",), "git", NODE, _BUILT)
REGISTRY = Question("the package registry answers, if a build needs it", ("builds",), "git", PACKAGES, _BUILT)

ALL = tuple(found for found in list(vars().values()) if isinstance(found, Question))
