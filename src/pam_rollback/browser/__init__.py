"""The site as a person meets it, in a browser: journeys and accessibility."""
