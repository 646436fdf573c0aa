"""The results as a table in Markdown."""
from statistics import median

from workloads import WORKLOADS


def table(programs, results):
    """`results[program, workload]` is a list with one run for each round. One row a program."""
    lines = ["| client | " + " | ".join(f"{text}: CPU | ratio | a second" for text in WORKLOADS.values()) + " |",
             "|---|" + "---:|---:|---:|" * len(WORKLOADS)]
    group = None
    for program in programs:
        if program.group != group:
            group = program.group
            lines.append(f"| **{group}** |" + " |" * 3 * len(WORKLOADS))
        base = next((other for other in programs if other.group == group and not other.is_hubrelay), None)
        cells = [cell for workload in WORKLOADS for cell in _cells(program, base, workload, results)]
        lines.append("| " + " | ".join([_label(program, results), *cells]) + " |")
    return "\n".join(lines)


def _label(program, results):
    """The library with its version, as the program itself says."""
    runs = [run for workload in WORKLOADS for run in results.get((program.name, program.group, workload), [])]
    library = runs[0]["library"] if runs else program.name
    return f"{library}, pipelines" if "PIPELINED" in program.environment else library


def _cells(program, base, workload, results):
    runs = results.get((program.name, program.group, workload))
    if not runs:
        return "", "", ""
    bases = results.get((base.name, base.group, workload)) if base else None
    ratio = f"{median(cost(own) / cost(other) for own, other in zip(runs, bases)):.2f}" if bases else ""
    rate = median(run["messages"] / run["wall_s"] for run in runs)
    return f"{median(map(cost, runs)) * 1e6:.1f} µs", ratio, f"{rate:,.0f}"


def cost(run):
    """Seconds of processor time for each message."""
    return (run["user_s"] + run["system_s"]) / run["messages"]
