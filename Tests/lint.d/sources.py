"""The files that are checked: those that Git has, and new ones that it does not ignore."""
import functools
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


@functools.cache
def files():
    """Paths from the repository's top."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout
    return sorted(name for name in listed.split("\0") if (ROOT / name).is_file())


def interpreter_of(name):
    """The program that a script's first line names ("bash", "python3"); "" for all other files."""
    with open(ROOT / name, "rb") as file:
        first = file.readline(100).decode(errors="replace")
    found = re.match(r"#!\s*\S*?(\w+)(?:\s+(\w+))?\s*$", first)
    return "" if not found else found[2] or found[1]


@functools.cache
def python_files():
    return [name for name in files() if name.endswith(".py") or
            ("." not in name.rpartition("/")[2] and interpreter_of(name).startswith("python"))]


def pages():
    return [name for name in files() if name.endswith(".md")]


def report(found, good):
    """Prints what is wrong, or `good`. Returns an exit code."""
    print(*(found or [good]), sep="\n")
    return int(bool(found))
