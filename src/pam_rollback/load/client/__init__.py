"""The load engine: Locust, and what runs in its processes."""
