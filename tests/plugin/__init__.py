"""Whole sessions of the runbook, seen from outside."""
