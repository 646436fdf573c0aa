"""The scenarios: what each is called, proves and applies to."""
import dataclasses
import typing

from .failure import LeftOut

_PUBLISHER = "H1 H2 H3 H4 H5 H6 H7 H8 R1 R10 P1 P2 P3 P4 P5 P6 P7 P8 P9 E4 E5 T11".split()
_all = {}


@dataclasses.dataclass(frozen=True)
class Scenario:
    """`play` is called with a Session and raises Failure, or LeftOut."""
    id: str
    level: str    # "must" or "should"
    proves: str
    rule: str     # where the rule stands
    play: typing.Callable
    needs: tuple  # capabilities of the driver without which it is left out

    @property
    def is_slow(self):
        return self.id.startswith("T")

    def check_applies(self, client):
        """Raises LeftOut if the client is not of the kind that this scenario is for."""
        if client.profile == "publisher" and self.id not in _PUBLISHER:
            raise LeftOut("not for publishers")
        for capability in self.needs:
            if capability not in client.capabilities:
                raise LeftOut(f"the client has no `{capability}`")


def scenario(id, level, proves, rule, needs=()):
    """Makes a function that plays a scenario one of all."""
    def add(play):
        assert id not in _all, id
        _all[id] = Scenario(id, level, proves, rule, play, needs)
        return play
    return add


def all_scenarios():
    """In the order of their letters and numbers."""
    from .scenarios import (  # noqa: F401, they add theirs
        ending, gaps, handshake, leaving, long, publish, slow, stopping, subscriptions)
    return sorted(_all.values(), key=lambda each: ("HRPSET".index(each.id[0]), int(each.id[1:])))
