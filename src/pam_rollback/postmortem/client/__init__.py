"""Whoever can still tell something of an incident: providers, repository, database, metrics, and Allure's results of a killed session."""
