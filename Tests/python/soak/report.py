"""The table at the end."""


def median(values):
    return sorted(values)[len(values) // 2] if values else 0


def table(rows):
    """Rows of a name and a value, as text."""
    width = max(len(str(name)) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value:>12}" if isinstance(value, (int, str)) else
                     f"{name:<{width}}  {value:>12.3f}" for name, value in rows)
