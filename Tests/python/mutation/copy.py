"""A copy of the sources with all mutants in it, which is built once; and its tests, with one of the mutants awake."""
import os
import pathlib
import re
import signal
import subprocess
import xml.etree.ElementTree

from mutation import mutant

# In the copy alone. Read once, since some of the code that asks runs for every message.
SWITCH = """\
internal import Glibc

/// Whether this mutant is awake: AWAKE_MUTANT has its number.
func mutant(_ number: UInt32) -> Bool { awakeMutant == number }

private let awakeMutant = getenv("AWAKE_MUTANT").flatMap { UInt32(String(cString: $0)) } ?? 0
"""
# A test that waits for what never comes gives up after half a minute. After so many seconds the run has no end.
PATIENCE = 300


def planted_files(repository, mutants):
    """By path, the source files with mutants in them as they are in the copy.

    Raises ExceptionGroup of `mutant.Unfit`, one for each file that has some which don't fit.
    """
    by_file = {}
    for each in mutants:
        by_file.setdefault(each.file, []).append(each)
    files, unfit = {}, []
    for path, group in by_file.items():
        try:
            files[path] = mutant.planted((repository / path).read_text(), group)
        except (mutant.Unfit, OSError) as error:
            unfit.append(mutant.Unfit(str(error)))
    if unfit:
        raise ExceptionGroup("mutants that don't fit", unfit)
    for each in mutants:
        files[f"Sources/{each.module}/Mutants.swift"] = SWITCH
    return files


class Copy:
    def __init__(self, repository, folder):
        """folder -- where the copy and its build are kept, so that another run builds only what has changed."""
        self.repository, self.folder = repository, folder
        self.tree = folder / "tree"

    def update(self, mutants):
        """Makes it the same as the working tree, but for the mutants. Files that are the same stay untouched."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=self.repository, check=True,
            stdout=subprocess.PIPE, text=True).stdout.split("\0")
        here = [path for path in listed if path and (self.repository / path).is_file()]
        contents = {path: (self.repository / path).read_bytes() for path in here}
        contents.update((path, text.encode()) for path, text in planted_files(self.repository, mutants).items())
        for path, content in contents.items():
            file = self.tree / path
            if not file.is_file() or file.read_bytes() != content:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            file.chmod((self.repository / path).stat().st_mode if path in here else 0o644)
        for file in self.tree.rglob("*"):
            if file.is_file() and str(file.relative_to(self.tree)) not in contents | {"Package.resolved": b""}:
                file.unlink()

    def build(self):
        """Raises CalledProcessError when it does not build."""
        subprocess.run(
            ["swift", "build", "--build-tests", "--traits", "Tests", "--scratch-path", self.folder / "build"],
            cwd=self.tree, check=True)

    def failures(self, tests, awake=None):
        """Runs tests, with one mutant awake or none.

        Returns the names of those that failed; in place of them what happened, if the run did not come to its end.
        Raises `mutant.Unfit` when no test has such a name.
        """
        name = awake.name if awake else "asleep"
        results, log = self.folder / f"{name}.xml", self.folder / f"{name}.log"
        results.unlink(missing_ok=True)
        environment = os.environ | {"SWIFT_BACKTRACE": "enable=no"}
        environment.pop("TESTED_HUBRELAY", None)  # the copy's own is to be tested
        environment["AWAKE_MUTANT"] = str(awake.number) if awake else "0"
        # What `swift test` would run, which takes ten times as long to see that nothing is to be built.
        command = [
            self.folder / "build/debug/hubrelayPackageTests.xctest", "--testing-library", "swift-testing",
            "--xunit-output", results, "--filter", tests]
        with open(log, "w") as output:
            process = subprocess.Popen(
                command, cwd=self.tree, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return [f"no end after {PATIENCE} s"]
        try:
            # What tests say may have control characters in it, which XML has not.
            text = re.sub(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", b"?", results.read_bytes())
            cases = list(xml.etree.ElementTree.fromstring(text).iter("testcase"))
        except (OSError, xml.etree.ElementTree.ParseError):
            return [ending(log.read_text(errors="replace"))]
        if not cases:
            raise mutant.Unfit(f"no test matches {tests!r}")
        return sorted({
            f"{case.get('classname').split('.')[-1]}/{case.get('name').split('(')[0]}" for case in cases
            if case.find("failure") is not None or case.find("error") is not None})


def ending(log):
    """What is known of a run that left no results."""
    running = re.findall(r"Test (?:case passing .*? to )?(\S+?)\(.*?\) started", log)
    return f"the test process ended, last begun: {running[-1] if running else 'none'}"


def default_folder(repository):
    return pathlib.Path(repository) / ".build/mutants"
