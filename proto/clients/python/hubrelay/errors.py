"""The errors of requests: one class for each way in which a request can fail."""
from collections.abc import Sequence
from typing import Optional

from .frames import Outcome, Reply


class HubrelayError(Exception):
    """Every error of this package.

    `outcome` is the Outcome that the relay or the client gives to the request, or None where no Outcome fits. `detail`
    is for people.
    """

    outcome: Optional[Outcome] = None

    def __init__(self, detail: str = "", channels: Sequence[str] = (), patterns: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.channels: tuple[str, ...] = tuple(channels)
        self.patterns: tuple[str, ...] = tuple(patterns)


class NotConnected(HubrelayError):
    """Certainly not delivered: there is no connection to a relay, or the relay has no connection to Redis."""

    outcome = Outcome.NOT_CONNECTED


class Interrupted(HubrelayError):
    """Nobody knows whether it was delivered: the connection or Redis failed before the answer, or the caller gave
    up."""

    outcome = Outcome.INTERRUPTED


class Refused(HubrelayError):
    """Redis answered with an error. `channels` and `patterns` are the refused names, as many as fit a frame."""

    outcome = Outcome.REFUSED


class Invalid(HubrelayError):
    """The request itself is wrong: a name is empty or too long, a payload is too large, or the relay does not support
    patterns."""

    outcome = Outcome.INVALID


class Limit(HubrelayError):
    """A limit on subscriptions is reached. The request had no effect, and the connection continues."""

    outcome = Outcome.LIMIT


class Unknown(HubrelayError):
    """The relay answered with an outcome that this package does not know; it counts as a failure. `outcome` has its
    number."""


class Congested(HubrelayError):
    """Nothing was sent, because too much already waits for the relay to read it, or for Replies."""


class Closed(HubrelayError):
    """The client, or the subscription, is closed. Nothing was sent."""


_BY_OUTCOME: dict[Outcome, type[HubrelayError]] = {
    kind.outcome: kind for kind in (NotConnected, Interrupted, Refused, Invalid, Limit) if kind.outcome is not None}


def error_of(reply: Reply) -> HubrelayError:
    """The error for a Reply that is not OK."""
    kind = _BY_OUTCOME.get(reply.outcome, Unknown)
    error = kind(reply.detail or reply.outcome.name, reply.channels, reply.patterns)
    error.outcome = reply.outcome
    return error
