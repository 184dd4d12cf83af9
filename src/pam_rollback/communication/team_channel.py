"""The team's channel: a thread of its own for each incident where a bot may open one, else message by message through the webhook."""

from dataclasses import dataclass

from pam_rollback.communication.slack import SlackBot, SlackWebhook
from pam_rollback.environment.environment import Environment


@dataclass(frozen=True)
class TeamChannel:
    """One environment's. What the bot cannot say the webhook says: a message outside of its thread is better than none."""

    webhook: SlackWebhook
    bot: SlackBot | None = None

    def post(self, text: str) -> str:
        """Send the text, in no thread; gives why not."""
        return self.tell(text)[1]

    def tell(self, text: str, thread: str = "") -> tuple[str, str]:
        """Send the text; gives the thread that it is in, empty where there is none, and why it was not taken. Never raises."""
        if self.bot is None:
            return "", self.webhook.post(text)
        there, problem = self.bot.say(text, thread)
        if not problem:
            return there, ""
        fallen_back = self.webhook.post(text)
        return "", f"{problem}; {fallen_back}" if fallen_back else ""


def team_channel(environment: Environment) -> TeamChannel | None:
    """None where the environment declares no channel. A bot without its token is none: nothing waits for it."""
    if "slack" not in environment.abilities:
        return None
    return TeamChannel(SlackWebhook(environment.secret("slack_webhook")), bot_of(environment))


def bot_of(environment: Environment) -> SlackBot | None:
    """None where nobody may open threads."""
    if environment.slack is None or not environment.has_secret("slack_token"):
        return None
    return SlackBot(environment.slack.api_url, environment.secret("slack_token"), environment.slack.channel)
