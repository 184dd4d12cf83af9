"""Alerting rules: written from the plan for an environment's Prometheus, and looked after there."""
