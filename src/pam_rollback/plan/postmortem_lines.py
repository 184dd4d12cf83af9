"""What a draft of a post-mortem asks people for and readiness looks for: lines with a moment each, in UTC."""

TO_FILL = "_For people to fill in._"
ROOT_CAUSE_FOUND = "Root cause found (UTC)"
FINISHED = "Finished (UTC)"
