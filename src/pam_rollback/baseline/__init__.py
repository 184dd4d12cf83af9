"""How it was before: recorded part by part, so that later sessions can compare."""
