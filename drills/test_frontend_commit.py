"""Does building and publishing the last stable commit help every visitor?"""

import pytest

from pam_rollback.rollback.fixtures.story_objectives import *  # noqa: F403 - what every rollback is held against, in its order
from pam_rollback.rollback.fixtures.story_of_the_site import *  # noqa: F403 - and what every one of its strategy is

pytestmark = pytest.mark.rollback
