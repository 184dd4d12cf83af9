"""Netlify, who publishes the front end."""
