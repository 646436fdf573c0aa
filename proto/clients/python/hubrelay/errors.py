"""How a request fails: one class for each way."""
from collections.abc import Sequence
from typing import Optional

from .frames import Outcome, Reply


class HubrelayError(Exception):
    """Every error of this package.

    `outcome` is the relay's or the client's verdict, None where there is no such verdict; `detail` is for people.
    """

    outcome: Optional[Outcome] = None

    def __init__(self, detail: str = "", channels: Sequence[str] = (), patterns: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.channels: tuple[str, ...] = tuple(channels)
        self.patterns: tuple[str, ...] = tuple(patterns)


class NotConnected(HubrelayError):
    """Certainly not delivered: there is no connection to a relay, or the relay has none to Redis."""

    outcome = Outcome.NOT_CONNECTED


class Interrupted(HubrelayError):
    """Delivered or not, nobody knows: the connection or Redis failed before the answer, or the caller gave up."""

    outcome = Outcome.INTERRUPTED


class Refused(HubrelayError):
    """Redis answered with an error. `channels` and `patterns` are what it refused, as many as fit a frame."""

    outcome = Outcome.REFUSED


class Invalid(HubrelayError):
    """The request itself is wrong: a name of no or too many bytes, a payload too large, patterns at a relay
    that has none."""

    outcome = Outcome.INVALID


class Limit(HubrelayError):
    """A limit on subscriptions is reached. The request had no effect, and the connection lives on."""

    outcome = Outcome.LIMIT


class Unknown(HubrelayError):
    """The relay answered with an outcome that this package does not know: a failure. `outcome` has its number."""


class Congested(HubrelayError):
    """Nothing was sent: too much waits for the relay already, or for Replies."""


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
