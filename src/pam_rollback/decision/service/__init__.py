"""Puts the rules of this topic together with what is on file."""
