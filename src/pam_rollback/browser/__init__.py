"""The site as a person meets it, in a browser: journeys, accessibility.

It may touch the foundation, browsers, and ``observation/``: being blocked is no outage, and whether sessions were kept is seen by probes.
"""
