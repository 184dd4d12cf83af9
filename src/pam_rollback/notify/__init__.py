"""Who is told of what, by which channel and when: escalation, status page, tracker, and the plan's checklists."""
