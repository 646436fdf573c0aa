"""The published table: what each fault cost each client."""

_COLUMNS = ["client", "fault", "messages/s", "times", "missing", "unreported", "doubled", "INTERRUPTED",
            "NOT_CONNECTED", "sends lost / unknown", "Gaps", "longest silence", "longest healing", ""]


def markdown(rows):
    """One line for each client, fault and rate."""
    lines = [_COLUMNS, ["---"] * 2 + ["---:"] * (len(_COLUMNS) - 3) + ["---"]]
    lines.extend(map(_cells, rows))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(row):
    return [row.client.title, row.fault.text, f"{row.rate:,}", str(len(row.accounts)), f"{row.total('missing'):,}",
            str(row.total("untold")), str(row.total("doubled")), str(row.results("INTERRUPTED")),
            str(row.results("NOT_CONNECTED")), f"{row.total('lost_sends')} / {row.total('unknown_sends')}",
            str(row.total("gaps")), f"{row.most('silence'):.2f} s", f"{row.most('healed'):.2f} s",
            "" if row.is_ok else "**failed**"]
