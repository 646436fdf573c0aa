"""What is checked on each connection in every scenario: rules that no frame of a client may break."""
from . import codec
from .failure import Failure


class ClientRules:
    """The frames of one connection, as they come. Each method raises Failure with the rule that was broken."""

    def __init__(self, title):
        self._title = title
        self._welcome = None      # what the client was told, once it was
        self._said_hello = False
        self.unanswered = set()  # ids of requests

    def welcomed(self, welcome):
        self._welcome = welcome

    def answered(self, number):
        self.unanswered.discard(number)

    def length(self, length):
        """A length, before its body has come."""
        limit = self._welcome["max_frame_bytes"] if self._welcome else codec.MAX_BEFORE_WELCOME
        if length == 0:
            self._fail("PROTOCOL.md 2", "a frame of length 0: MALFORMED")
        if length > limit:
            when = "the Welcome allows" if self._welcome else "before Welcome"
            self._fail("PROTOCOL.md 2", f"a frame of {length} bytes, and {limit} are the most ({when})")

    def body(self, body):
        """Returns the frame in a body."""
        try:
            frame = codec.decode(body)
        except codec.Malformed as error:
            self._fail("PROTOCOL.md 2", f"a malformed body ({error}): {body[:60].hex(' ')}")
        for oddity in frame.oddities:
            self._fail("PROTOCOL.md 2: encoders write one kind per frame and no field twice", f"{oddity}, in {frame}")
        self._order(frame)
        self._id(frame)
        self._features(frame)
        return frame

    def _order(self, frame):
        if not self._said_hello and frame.kind != "hello":
            self._fail("PROTOCOL.md 6 rule 1", f"the first frame is no Hello, but {frame}")
        if self._said_hello and frame.kind == "hello":
            self._fail("PROTOCOL.md 6 rule 1", "a second Hello")
        self._said_hello = True

    def _id(self, frame):
        number = frame.fields.get("id", 0)
        if number > codec.MAX_ID:
            self._fail("PROTOCOL.md 6 rule 5", f"an id above 2^53-1: {frame}")
        if number in self.unanswered:
            self._fail("PROTOCOL.md 6 rule 5", f"an id that an unanswered request has already: {frame}")
        if number:
            self.unanswered.add(number)

    def _features(self, frame):
        """What a client may send only where the Welcome's features name it."""
        features = self._welcome["features"] if self._welcome else ()
        if frame.fields.get("patterns") and "patterns" not in features:
            self._fail("PROTOCOL.md 3 Subscribe", f"patterns, which this Welcome's features do not name: {frame}")
        if frame.fields.get("settled") and "settled" not in features:
            self._fail("PROTOCOL.md 3 Ping", "a Ping with settled, which this Welcome's features do not name")
        names = [frame.channel] if frame.kind == "publish" else frame.fields.get("channels", ())
        if "fence" not in features and any(name.startswith("__hubrelay:fence:") for name in names):
            self._fail("PROTOCOL.md 6 rule 12", f"a fence, which this Welcome's features do not name: {frame}")

    def _fail(self, rule, text):
        raise Failure(f"{self._title}: the client wrote {text}", rule)
