class Failure(Exception):
    """A client that breaks a rule: what was expected and what came, and where the rule stands, if it is another one
    than the scenario's own."""

    def __init__(self, text, rule=None):
        super().__init__(text)
        self.rule = rule


class LeftOut(Exception):
    """A scenario that does not apply to this client. The text says why."""
