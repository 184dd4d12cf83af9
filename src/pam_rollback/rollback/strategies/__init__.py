"""The strategies of the plan, each a list of steps over protocols; they know no provider."""
