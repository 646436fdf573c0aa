"""What happened in one phase of the load: every publish, what Redis delivered, and what each listener was told."""
import collections


class Publish:
    """One numbered message. `key` is its publisher and number; `kind` says who knows what became of it: "publish" has a
    result of its own, "send" is told by a Loss, "plain" was written to Redis by the test itself."""
    __slots__ = ("key", "channel", "kind", "writer", "is_ordered", "at", "result", "seen", "heard")

    def __init__(self, key, channel, kind, writer, is_ordered, at):
        self.key, self.channel, self.kind, self.writer, self.is_ordered = key, channel, kind, writer, is_ordered
        self.at, self.result = at, None
        self.seen = 0      # how often the witness had it
        self.heard = {}    # how often each listener had it, by the listener's name

    def __str__(self):
        return f"{self.key[0]} {self.key[1]} on {self.channel} ({self.kind} by {self.writer}: {self.result})"


class Loss:
    """The sums of all Losses that one client told."""

    def __init__(self):
        self.publishes = self.unknown = self.messages = 0


class Books:
    """The entries of one phase. Times are seconds of one clock. A phase ends with a mark on each channel, so that what
    comes behind it is carried over to the books of the next one."""

    def __init__(self, listeners, former=None):
        self.listeners = tuple(listeners)
        self.published = {}                                   # by key
        self.truth = collections.defaultdict(list)            # by channel: keys in the order of Redis
        self.heard = {name: collections.defaultdict(list) for name in self.listeners}
        self.gaps = {name: [] for name in self.listeners}     # (time, is partial)
        self.losses = {name: Loss() for name in self.listeners}
        self.silence = dict.fromkeys(self.listeners, 0.0)  # the longest, in seconds
        self.marks = {name: {} for name in self.listeners}    # the number of the last mark heard, by channel
        self.oddities = []                                    # what no book has a place for
        self.ended_redis_at = []                              # when Redis stood still, to be killed
        self._last_heard = {}
        self._earlier = former.published if former else {}
        if former:
            self._carry_over(former)

    def _carry_over(self, former):
        self.truth.update(former.truth_behind)
        for name in self.listeners:
            self.heard[name].update(former.heard_behind[name])

    # Entries

    def issued(self, key, channel, kind, writer, at, is_ordered=False):
        """A publish that is about to be made. Its maker sets `result` once it is known."""
        publish = self.published[key] = Publish(key, channel, kind, writer, is_ordered, at)
        return publish

    def witnessed(self, channel, key):
        """Redis delivered it to the witness, which misses nothing while Redis lives."""
        publish = self.find(key)
        if publish is None:
            self.oddities.append(f"the witness had {key} on {channel}, and nobody published it")
            return
        publish.seen += 1
        self.truth[channel].append(key)

    def delivered(self, listener, channel, key, at):
        """A listener had it."""
        publish = self.find(key)
        if publish is None or publish.channel != channel:
            self.oddities.append(f"{listener} had {key} on {channel}, and nobody published it there")
            return
        publish.heard[listener] = publish.heard.get(listener, 0) + 1
        self.heard[listener][channel].append(key)
        if key == mark_key(channel, key[1]):
            self.marks[listener][channel] = key[1]
        last = self._last_heard.get(listener)
        if last is not None:
            self.silence[listener] = max(self.silence[listener], at - last)
            self._last_heard[listener] = at

    def told_gap(self, listener, at, is_partial):
        self.gaps[listener].append((at, is_partial))

    def told_loss(self, listener, publishes=0, unknown=0, messages=0):
        loss = self.losses[listener]
        loss.publishes += publishes
        loss.unknown += unknown
        loss.messages += messages

    def time_silence(self, now):
        """From now on silence counts, since there is a steady load."""
        self._last_heard = dict.fromkeys(self.listeners, now)

    def end_silence(self):
        self._last_heard = {}

    def find(self, key):
        """A publish of this phase, or of the one before."""
        return self.published.get(key) or self._earlier.get(key)

    # The end of the phase

    def cut(self, marks):
        """Ends the phase behind these marks (keys by channel), which all have heard."""
        self.truth_behind, self.heard_behind = {}, {name: {} for name in self.listeners}
        for channel, mark in marks.items():
            self.truth[channel], self.truth_behind[channel] = _split(self.truth[channel], mark)
            for name in self.listeners:
                heard = self.heard[name]
                heard[channel], self.heard_behind[name][channel] = _split(heard[channel], mark)


def mark_key(channel, number):
    """The key of a mark: what comes behind it on its channel was published later."""
    return f"mark.{channel}", number


def _split(keys, mark):
    place = len(keys) - keys[::-1].index(mark)
    return keys[:place], keys[place:]
