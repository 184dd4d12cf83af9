"""What somebody writes who uses Locust alone: the fast client, one path, no record beside Locust's own statistics."""

from locust import FastHttpUser, constant, task


class User(FastHttpUser):
    """Asks again at once."""

    wait_time = constant(0)

    @task
    def ask(self) -> None:
        """One request."""
        self.client.get("/health")
