"""The published table: which client passes what."""
from . import playing

_MARKS = {playing.OK: "yes", playing.FAILED: "**no**", playing.LEFT_OUT: "-"}


def markdown(clients, scenarios, played):
    """Scenarios as rows and clients as columns; a dash is a scenario that does not apply."""
    verdicts = {(each.scenario.id, each.client): each.verdict for each in played}
    rows = [["", "proves", *(client.title for client in clients)], ["---"] * (2 + len(clients))]
    for each in scenarios:
        level = " (should)" if each.level == "should" else ""
        rows.append([each.id, each.proves + level, *(_MARKS[verdicts[each.id, client]] for client in clients)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
