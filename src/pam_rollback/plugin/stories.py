"""The stories of ``drills/``: what each needs to be known of here. A new story adds its line to both."""

ACTION_FIXTURES = {"after-feature-flag": "feature_flags_rolled_back"}
"""Which fixture brings a situation about. A new story in drills/ adds its line."""

ACTION_ABILITIES = {"feature-flag": ("flag_admin",)}
"""What an environment must declare for a story's action to be possible there at all."""
