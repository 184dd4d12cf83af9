"""Clients: one outside thing each."""
