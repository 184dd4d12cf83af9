"""Render, who runs the back end."""
