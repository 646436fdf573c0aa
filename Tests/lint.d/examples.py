#!/usr/bin/env python3
"""Examples of pages are read by what they are written for: shells, compilers, parsers. None of them is run.

A block of code is of the language that its fence names. One that is indented is for a shell if its first line begins
with a command. Paths of this repository, settings and variables of hubrelay that are named in any code have to exist.
"""
import ast
import fnmatch
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.dom.minidom
import xml.parsers.expat

from markdown import page_of
from sources import ROOT, files, pages, report

#: With what a block for a shell begins, beside programs of this repository.
COMMANDS = {"cd", "curl", "docker", "echo", "git", "gem", "go", "helm", "hubrelay", "install", "journalctl", "kubectl",
            "npm", "openssl", "pip", "podman", "redis-cli", "sed", "sudo", "swift", "systemctl"}
_PATH = re.compile(r"(?<![\w./~<{$-])((?:Sources|Tests|deploy|proto|\.github)/[\w./*{},+@-]+)")
_VARIABLE = re.compile(r"\bHUBRELAY_[A-Z_]+\b")
_CALL = re.compile(r"(?:^|[\s`/])hubrelay [a-z]+\b(.*)")


def run(command, text, suffix):
    """What a program says of a file with this text, if it ends with another code than 0."""
    with tempfile.TemporaryDirectory(prefix="hubrelay-") as folder:
        path = pathlib.Path(folder) / f"Example{suffix}"
        path.write_text(text)
        done = subprocess.run([*command, str(path)], capture_output=True, text=True, errors="replace", check=False,
                              cwd=folder)
    return (done.stderr + done.stdout).strip() or "it is wrong" if done.returncode else None


def python(text):
    compile(text, "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def json_(text):
    json.loads(text)


def xml_(text):
    """One element, or several."""
    xml.dom.minidom.parseString(f"<all>{text}</all>")


def hexadecimal(text):
    """Bytes, which two blanks or a # divide from a remark."""
    bytes.fromhex(re.sub(r"#.*|  .*$", "", text, flags=re.M))


def diff(text):
    wrong = [line for line in text.splitlines() if line[:1] not in ("", " ", "+", "-", "@")]
    return f"no line of a diff: {wrong[0]}" if wrong else None


def yaml(text):
    """Read by Debian's Python, which has PyYAML if the one in PATH does not."""
    program = "import sys, yaml; list(yaml.safe_load_all(open(sys.argv[1])))"
    return run(["/usr/bin/python3", "-c", program], text, ".yaml")


def go(text):
    """A whole file, or what stands in a function."""
    wrapped = text if text.startswith("package ") else f"package p\nfunc f() {{\n{text}}}\n"
    return run(["gofmt", "-e"], wrapped, ".go")


def java(text):
    """A whole file, or what stands in a method, or in a class. javac stops once it has read it."""
    command = ["javac", "-XDshould-stop.ifNoError=PARSE", "-XDshould-stop.ifError=PARSE", "-proc:none", "-d", "."]
    return first_good(lambda whole: run(command, whole, ".java"),
                      text, f"class Example {{ void f() {{\n{text}}} }}\n", f"class Example {{\n{text}}}\n")


def csharp(text):
    command = ["mcs", "--parse", "-langversion:7"]
    usings = "".join(re.findall(r"^using [\w.]+;\n", text, re.M))
    body = text.replace(usings, "")
    return first_good(lambda whole: run(command, whole, ".cs"), text,
                      f"{usings}class P {{ async void F() {{\n{body}}} }}\n", f"{usings}class P {{\n{body}}}\n")


def first_good(read, *texts):
    """None if one of these is good; else what is wrong with the first."""
    said = [read(text) for text in texts]
    return None if None in said else said[0]


def javascript(text):
    """A module, or what stands in a file of CommonJS that may await."""
    is_module = re.search(r"^(import|export) ", text, re.M)
    whole = text if is_module else f"(async () => {{\n{text}}})();\n"
    return run(["node", "--check"], whole, ".mjs" if is_module else ".js")


def php(text):
    return run(["php", "-l"], text if text.startswith("<?php") else f"<?php\n{text}", ".php")


#: By language: the program that has to be here, and what reads a text. It returns what is wrong, or raises it.
READERS = {
    "sh": ("bash", lambda text: run(["bash", "-n"], text, ".sh")),
    "bash": ("bash", lambda text: run(["bash", "-n"], text, ".sh")),
    "python": (None, python),
    "diff": (None, diff),
    "hex": (None, hexadecimal),
    "json": (None, json_),
    "xml": (None, xml_),
    "yaml": ("/usr/bin/python3", yaml),
    "go": ("gofmt", go),
    "java": ("javac", java),
    "csharp": ("mcs", csharp),
    "js": ("node", javascript),
    "ruby": ("ruby", lambda text: run(["ruby", "-c"], text, ".rb")),
    "php": ("php", php),
}


def language_of(block):
    """That of an indented block is "sh" or None."""
    if block.language is not None:
        return block.language
    words = block.lines[0].split()
    words = words[1:] if words[0] == "$" else words
    is_command = words and (words[0] in COMMANDS or (ROOT / words[0]).is_file() or words[0].startswith(".build/") or
                            re.fullmatch(r"for|while|[a-z_]+=.*", words[0]))
    return "sh" if is_command else None


def shell_text(block):
    """Of a session with prompts, what is behind the prompts."""
    if block.lines[0].startswith("$ "):
        return "\n".join(line[2:] for line in block.lines if line.startswith("$ ")) + "\n"
    return block.text


def problem_of(block, is_missing):
    """What is wrong with a block of code, or None. A program that is not here is added to `is_missing`."""
    language = language_of(block)
    if language in (None, "text"):
        return None
    if language not in READERS:
        return f"nobody reads {language or 'a block without a language'}: see {pathlib.Path(__file__).name}"
    program, read = READERS[language]
    if program and not shutil.which(program):
        is_missing.add(program)
        return None
    try:
        return read(shell_text(block) if language in ("sh", "bash") else block.text)
    except (SyntaxError, ValueError, xml.parsers.expat.ExpatError) as error:
        return str(error)


@functools.cache
def options():
    """Of all commands of hubrelay, as their sources declare them."""
    texts = [(ROOT / name).read_text() for name in files() if name.startswith("Sources/") and name.endswith(".swift")]
    declared = {"--help", "--version"}
    for text in texts:
        declared.update(re.findall(r'Setting\(\s*"(--[a-z-]+)"', text))
        declared.update(re.findall(r'"(--[a-z-]+)"', text))
        for name in re.findall(r"@(?:Flag|Option)\((?:[^()]|\([^()]*\))*\)\s*var (\w+)", text):
            declared.add("--" + re.sub(r"([A-Z]+)", r"-\1", name).lower())
    return declared


@functools.cache
def variables():
    """HUBRELAY_ variables that anything in this repository reads or sets."""
    found = {"HUBRELAY_" + option[2:].upper().replace("-", "_") for option in options()}
    for name in files():
        if not name.endswith(".md"):
            text = (ROOT / name).read_bytes()
            if b"HUBRELAY_" in text:
                found.update(_VARIABLE.findall(text.decode(errors="replace")))
    return found


def is_there(path, folder):
    """Whether a path exists, from the repository's top or from the page's folder, or is one that Git ignores since
    somebody makes it. Names in capitals stand for others; a * for several."""
    path = path.rstrip("/.,")
    if re.search(r"(^|/)[A-Z]{2,}([/@]|$)", path) or "{" in path:
        return True
    if "*" in path:
        return any(fnmatch.fnmatchcase(name, path + suffix) for name in files() for suffix in ("", "/*"))
    return any((ROOT / top / path).exists() for top in ("", folder)) or f"/{path}" in (
        ROOT / ".gitignore").read_text().split("\n")


def stale_names(text, folder):
    """What a text names that does not exist."""
    for path in _PATH.findall(text) if "kubectl" not in text else ():  # which has names like deploy/chat
        if not is_there(path, folder):
            yield f"there is no {path}"
    for name in _VARIABLE.findall(text):
        if name not in variables() and not any(known.startswith(name) for known in variables()):
            yield f"there is no variable {name}"
    for call in _CALL.findall(text):
        for option in re.findall(r"(?<=\s)--[a-z][a-z-]*", call.split(" | ")[0].split(" # ")[0]):
            if option not in options():
                yield f"hubrelay has no {option}"


def problems_of(page, is_missing):
    folder = os.path.dirname(page.name)
    for block in page.blocks:
        if problem := problem_of(block, is_missing):
            yield block.line, problem
        for offset, line in enumerate(block.lines):
            for problem in stale_names(line, folder):
                yield block.line + offset + bool(block.language is not None), problem
    for number, line in page.prose:
        for code in re.findall(r"`([^`]+)`", line):
            for problem in stale_names(code, folder):
                yield number, problem


def main():
    found, is_missing, count = [], set(), 0
    for name in pages():
        page = page_of(name)
        count += sum(language_of(block) not in (None, "text") for block in page.blocks)
        found += [f"{name}:{line}: {problem}" for line, problem in problems_of(page, is_missing)]
    if is_missing:
        print(f"examples: some not read, since there is no {', '.join(sorted(map(os.path.basename, is_missing)))}")
    return report(found, f"examples: {count} blocks of code can be read")


if __name__ == "__main__":
    sys.exit(main())
