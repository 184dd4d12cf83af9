"""Who walks the journeys through the site. Each method gives a fact; the tests judge."""
