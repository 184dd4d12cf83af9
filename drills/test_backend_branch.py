"""Does an emergency branch without the bad commit help every user?"""

import pytest

from pam_rollback.rollback.fixtures.story_objectives import *  # noqa: F403 - what every rollback is held against, in its order
from pam_rollback.rollback.fixtures.story_of_the_service import *  # noqa: F403 - and what every one of its strategy is

pytestmark = pytest.mark.rollback
