"""Does a phase's ledger balance? Each check returns what is wrong, as sentences."""
import collections
import dataclasses

NOT_DELIVERED = {"NOT_CONNECTED", "CONGESTED", "INVALID", "LIMIT", "REFUSED"}
_TAIL_SECONDS = 1.0  # how much before the end of Redis a message may be that the witness could not be given any more
_EXAMPLES = 3


@dataclasses.dataclass(frozen=True)
class Allows:
    """What a fault may cause. `gap`: "none" may be told, "may", or "must" be told to each listener."""
    failures: frozenset = frozenset()  # results of publishes besides OK
    losses: str = "none"               # of what was sent without a Reply: "none", "certain" ones, or "any"
    gap: str = "none"
    reorder: bool = False              # publishes of one publisher may overtake each other
    told_doubles: bool = False         # who was told a Gap may have had messages twice (a move without a fence)
    is_exact: bool = False             # each missing message has to be in a count


@dataclasses.dataclass
class Account:
    """What is said of a phase: counts, and the rules that were broken."""
    results: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    published: int = 0
    delivered: int = 0
    missing: int = 0       # messages that listeners did not get
    doubled: int = 0       # messages that they got twice
    untold: int = 0        # of both, those that no Gap and no Loss covers
    disordered: int = 0
    lost_sends: int = 0
    unknown_sends: int = 0
    gaps: int = 0
    silence: float = 0.0
    calls: int = 0         # connects to the path, of whoever comes by
    calls_refused: int = 0  # those that found no relay there
    healed: float = 0.0    # seconds from the end of the fault until all works
    violations: list = dataclasses.field(default_factory=list)


def open_questions(books, allows):
    """What is not right yet, and may still become so by what clients have yet to tell."""
    questions = [f"{name} was told no Gap" for name in books.listeners
                 if allows.gap == "must" and not any(not partial for _, partial in books.gaps[name])]
    for name in books.listeners:
        missing, uncovered = _missing(books, name)
        told = books.losses[name].messages
        if allows.is_exact and told < len(missing):
            questions.append(f"{name} missed {len(missing)} messages, and Losses count {told}")
        elif len(uncovered) > told:
            questions.append(f"{name} missed {len(uncovered)} messages that are before no Gap, and Losses count {told}"
                             f": {_examples(books, uncovered)}")
        unsent, loss = _unsent(books, name), books.losses[name]
        if len(unsent) > loss.publishes + loss.unknown:
            questions.append(f"{len(unsent)} sends of {name} were not delivered, and Losses count {loss.publishes} and "
                             f"{loss.unknown} unknown: {_examples(books, [each.key for each in unsent])}")
    return questions


def audit(books, allows, may_be_late=False):
    """The account of a phase whose books are cut. `may_be_late`: a Loss of the phase before may have come in this."""
    account = Account(published=len(books.published))
    account.violations += books.oddities + open_questions(books, allows)
    _results(books, allows, account)
    _redis_side(books, allows, account)
    for name in books.listeners:
        _listener(books, name, allows, account)
        loss = books.losses[name]
        account.lost_sends += loss.publishes
        account.unknown_sends += loss.unknown
        unexplained = 0 if allows.losses == "any" or may_be_late else loss.unknown
        unexplained += loss.publishes if allows.losses == "none" and not may_be_late else 0
        if unexplained:
            account.violations.append(f"{name} told of {loss.publishes} lost and {loss.unknown} unknown sends, though "
                                      "nothing has happened that explains it")
    return account


def _results(books, allows, account):
    """Each publish has one result, and the witness agrees with it."""
    for publish in books.published.values():
        word = publish.result
        if publish.kind == "publish":
            account.results[word] += 1
        if word is None:
            account.violations.append(f"{publish} has no result")
        elif word == "OK" and not publish.seen and not _is_excused(books, publish):
            account.violations.append(f"{publish} was not delivered by Redis")
        elif word in NOT_DELIVERED and (publish.seen or publish.heard):
            account.violations.append(f"{publish} was delivered all the same")
        if publish.kind == "publish" and word not in allows.failures | {"OK", None}:
            account.violations.append(f"{publish} failed, though nothing has happened that explains it")
        if publish.kind == "send" and word == "NOT_CONNECTED" and word not in allows.failures:
            account.violations.append(f"{publish} was turned down, though nothing has happened that explains it")


def _is_excused(books, publish):
    """Redis stood still between its answer and what it had for the witness, or a listener had it at least."""
    return bool(books.ended_redis_at) and (
        bool(publish.heard) or any(0 <= at - publish.at < _TAIL_SECONDS for at in books.ended_redis_at))


def _redis_side(books, allows, account):
    """Redis got each message once, and those of one publisher on one channel in order."""
    for keys in books.truth.values():
        last = {}
        account.violations += [f"{publish} was published {publish.seen} times"
                               for publish in map(books.find, dict.fromkeys(keys)) if publish.seen > 1]
        for key in keys:
            publish = books.find(key)
            certain = {"OK"} if allows.losses == "any" else {"OK", "SENT"}  # what is unknown may come late
            if key[1] < last.get(key[0], -1) and publish.is_ordered and publish.result in certain:
                account.disordered += 1
                if not allows.reorder:
                    account.violations.append(f"{publish} came to Redis behind number {last[key[0]]} of its publisher")
            last[key[0]] = max(key[1], last.get(key[0], -1))


def _listener(books, name, allows, account):
    """What a listener had is what Redis delivered, in its order, without what it was told to have missed."""
    missing, uncovered = _missing(books, name)
    told = books.losses[name].messages
    untold = max(0, (len(missing) if allows.is_exact else len(uncovered)) - told)
    gaps = books.gaps[name]
    account.missing += len(missing)
    account.untold += untold
    account.gaps += len(gaps)
    account.silence = max(account.silence, books.silence[name])
    if gaps and allows.gap == "none":
        account.violations.append(f"{name} was told {len(gaps)} Gaps, though nothing has happened that costs messages")
    if allows.is_exact and told > len(missing):
        account.violations.append(f"{name} missed {len(missing)} messages, and Losses count {told}")
    for channel, heard in books.heard[name].items():
        account.delivered += len(heard)
        doubled = [publish for publish in map(books.find, dict.fromkeys(heard)) if publish.heard[name] > 1]
        account.doubled += sum(publish.heard[name] - 1 for publish in doubled)
        if not (gaps and allows.told_doubles):
            account.untold += len(doubled)
            account.violations += [f"{name} had {publish} {publish.heard[name]} times" for publish in doubled]
        account.violations += _misplaced(books, name, channel)


def _misplaced(books, name, channel):
    """What a listener had in another order than Redis delivered it, or though Redis did not."""
    places, last = {key: place for place, key in enumerate(books.truth[channel])}, -1
    for key in books.heard[name][channel]:
        publish, place = books.find(key), places.get(key)
        if place is None:
            if not books.ended_redis_at:
                yield f"{name} had {publish}, and the witness not"
            continue
        if place < last and publish.heard[name] == 1:
            yield f"{name} had {publish} behind what Redis delivered later"
        last = max(last, place)


def _missing(books, name):
    """Keys that Redis delivered and the listener has not: all, and those that are before none of its Gaps."""
    last_gap = max((at for at, partial in books.gaps[name] if not partial), default=float("-inf"))
    missing = []
    for channel, keys in books.truth.items():
        heard = set(books.heard[name][channel])
        missing += [key for key in keys if key not in heard]
    return missing, [key for key in missing if books.find(key).at > last_gap]


def _unsent(books, writer):
    """What a client took to send, and nobody had."""
    return [each for each in books.published.values()
            if each.kind == "send" and each.writer == writer and each.result == "SENT"
            and not each.seen and not each.heard and not _is_excused(books, each)]


def _examples(books, keys):
    some = ", ".join(str(books.find(key)) for key in keys[:_EXAMPLES])
    return some + (f" and {len(keys) - _EXAMPLES} more" if len(keys) > _EXAMPLES else "")
