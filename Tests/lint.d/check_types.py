#!/usr/bin/env python3
"""The types of all Python, by mypy: with the configuration beside this file, and for the client with its own.

Programs of a folder find each other by the path that they are started with, and several folders have a `servers.py`. So
mypy runs once for each group of files; a file that no group has is a mistake of the list here.
"""
import fnmatch
import os
import pathlib
import subprocess
import sys

from sources import ROOT, python_files, report

HERE = pathlib.Path(__file__).resolve().parent
CACHE = ROOT / ".build" / "lint" / "mypy"
CLIENT = "proto/clients/python"
TESTS = "Tests/python"
CONFORMANCE = "proto/conformance"
FRAMEWORKS = "Tests/frameworks"

#: (where modules are looked for, patterns of files). Scripts whose names are those of packages are groups of their own.
GROUPS = [
    ((TESTS, CLIENT, CONFORMANCE + "/mutants", CONFORMANCE, "proto/vectors/mutants", "Tests/ClientBenchmark",
      "deploy/check.d", "Tests/lint.d"), (TESTS + "/*.py", "Tests/lint.d/*.py")),
    ((TESTS, CLIENT), ("Tests/mutants", "Tests/fuzz-relay", "Tests/figures", "Tests/hot-functions")),
    ((TESTS, CLIENT), ("Tests/soak",)),
    ((TESTS, CLIENT), ("Tests/Microbenchmarks/run",)),
    ((CONFORMANCE,), (CONFORMANCE + "/runner/*.py", CONFORMANCE + "/outages/*.py", CONFORMANCE + "/faults")),
    ((CONFORMANCE,), (CONFORMANCE + "/run",)),
    ((CONFORMANCE,), (CONFORMANCE + "/replacements",)),
    ((CONFORMANCE, CONFORMANCE + "/mutants"), (CONFORMANCE + "/mutants/*",)),
    (("Tests/ClientBenchmark", CONFORMANCE), ("Tests/ClientBenchmark/[!/]*.py",)),
    (("Tests/ClientBenchmark/python", CLIENT), ("Tests/ClientBenchmark/python/*.py",)),
    *(((f"{FRAMEWORKS}/{name}", FRAMEWORKS + "/support", CLIENT, TESTS, "deploy/tutorial"),
       (f"{FRAMEWORKS}/{name}/*.py",))
      for name in ("actioncable", "broadcaster", "channels", "litestar", "signalr", "socketio", "socketio-node",
                   "support", "tutorial")),
    (("deploy/quickstart.d",), ("deploy/quickstart.d/*.py",)),
    (("deploy/tutorial", CLIENT), ("deploy/tutorial/*.py",)),
    (("deploy/compose",), ("deploy/compose/*.py",)),
    (("deploy/check.d",), ("deploy/check.d/*.py",)),
    (("deploy/package.d",), ("deploy/package.d/*",)),
    (("proto/vectors/mutants", CONFORMANCE), ("proto/vectors/*",)),
]


def files_of(patterns):
    return [name for name in python_files() if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def mypy(*arguments, path=(), folder=ROOT):
    """The lines that it prints."""
    environment = {**os.environ, "MYPYPATH": os.pathsep.join(str(ROOT / each) for each in path)}
    done = subprocess.run([sys.executable, "-m", "mypy", "--no-error-summary", *arguments], cwd=folder, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.splitlines() or (["mypy failed and says nothing"] if done.returncode else [])


def main():
    grouped = {name for _, patterns in GROUPS for name in files_of(patterns)}
    found = [f"{name}: no group of {pathlib.Path(__file__).name} has it"
             for name in python_files() if name not in grouped and not name.startswith(CLIENT + "/")]
    for path, patterns in GROUPS:
        if names := files_of(patterns):
            found += mypy("--config-file", str(HERE / "mypy.ini"), "--cache-dir", str(CACHE), *names, path=path)
    found += [f"{CLIENT}/{line}" for line in mypy("--cache-dir", str(CACHE.with_name("mypy-client")),
                                                  folder=ROOT / CLIENT)]
    return report(list(dict.fromkeys(found)), f"mypy: the types of {len(python_files())} files are right")


if __name__ == "__main__":
    sys.exit(main())
