"""What the drills call their steps, for tables of which ones fail. A title that is none is seen: the tables are held against what ran."""

from types import SimpleNamespace

FRONT, BACK = "front end: ", "back end: "
frontend = SimpleNamespace(
    LOOK="see what is published",
    BUILD="build the site once from a fresh worktree, and upload it",
    ASKS="see how the branch takes a change",
    REVERT="take the bad commit back on top of the branch",
    RESTORE="publish the target",
    LOCK="lock it against automatic publishing",
    CANCEL="stop the builds that are under way",
    SERVED="see what visitors get",
    PUSH="push the revert",
    BACK_END="see the back end follow the push",
)
backend = SimpleNamespace(
    LOOK="see what runs",
    OFF="switch automatic deploys off",
    CANCEL="stop the deploys that are under way",
    REVERT="take the bad commit back on an emergency branch",
    BRANCH="let the service deploy from the emergency branch",
    DEPLOY="run the target",
    STILL_OFF="see that automatic deploys are still off",
    SERVED="see which release answers",
)
workers = SimpleNamespace(OFF="switch automatic deploys of the workers off", RUN="run the target on the workers")
full_system = SimpleNamespace(
    FLAGS="switch the features off",
    FLAGS_OFF="see that the features are off",
    API_CACHE="empty the API's cache",
    SITE_CACHE="empty the site's cache",
)
emergency = SimpleNamespace(
    READ="read the flags",
    CALL="make the emergency call",
    READ_BACK="read the flags back",
    OUT_OF_BAND="roll the back end back past the product",
)
