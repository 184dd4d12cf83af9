"""Trying the candidate: its features, its migrations, the incident, and what is told of it."""
