"""What a connection asks of the relay, and about which names."""
import collections

MAX_ID = (1 << 53) - 1


class Request:
    """One frame that the relay has to answer."""

    def __init__(self, frame, number, names=()):
        self.frame, self.number, self.names = frame, number, names
        self.kind = type(frame).__name__
        self.is_valid = self.is_immediate = True
        self.record = None
        self.proof = 0
        self.is_answered = False

    def __str__(self):
        return f"{self.kind} {self.frame.id}"


class Name:
    """What a connection has asked about one name. `held`: True, False, or None while nobody can tell."""
    __slots__ = ("held", "asked", "story")

    def __init__(self):
        self.held, self.asked = False, collections.deque()
        self.story = collections.deque(maxlen=12)   # for people

    @property
    def may_deliver(self):
        """Whether its Messages may come: what has no id may have taken effect, what has one only with its Reply."""
        if self.held is not False:
            return True
        for request in self.asked:
            if request.frame.id:
                return False
            if request.kind == "Subscribe":
                return True
        return False
