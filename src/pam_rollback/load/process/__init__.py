"""What runs inside the load engine's own processes, under Locust. Never imported by a session: Locust replaces sockets and threads."""
