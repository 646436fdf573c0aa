"""Writes the manual page hubrelay(1) from what the program itself says of its commands and options.

    manual.py PROGRAM >hubrelay.1

The commands come from `PROGRAM --experimental-dump-help`, which is JSON; what no help says comes from
hubrelay.1.in. The date is that of SOURCE_DATE_EPOCH, in seconds.
"""
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys

TEMPLATE = pathlib.Path(__file__).with_name("hubrelay.1.in")
#: Options that every command has: they are described once.
COMMON = ("help", "version")


def roff(text):
    """Text as a line of roff: nothing in it is a request, and a hyphen stays one."""
    text = re.sub(r"\s+", " ", text).strip().replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def spelled(name):
    return ("--" if name["kind"] == "long" else "-") + name["name"]


def is_shown(argument):
    names = [name["name"] for name in argument.get("names", [])]
    return argument["shouldDisplay"] and not any(name in COMMON for name in names)


def heading(argument):
    """The line above what is said of an argument: --flag VALUE, or <positional>."""
    if argument["kind"] == "positional":
        return f"\\fI{roff(argument['valueName'])}\\fR"
    names = ", ".join(f"\\fB{roff(spelled(name))}\\fR" for name in argument["names"])
    return names if argument["kind"] == "flag" else f"{names} \\fI{roff(argument['valueName'])}\\fR"


def usage(path, command):
    """One line of the synopsis."""
    words = [f".B {roff(' '.join(path))}"]
    shown = [argument for argument in command.get("arguments", []) if is_shown(argument)]
    if any(argument["kind"] != "positional" for argument in shown):
        words.append("[\\fIoptions\\fR]")
    for argument in shown:
        if argument["kind"] == "positional":
            name = heading(argument) + ("\\fR ..." if argument["isRepeating"] else "")
            words.append(f"[{name}]" if argument["isOptional"] else name)
    return words[0] + "\n" + " ".join(words[1:]) + "\n.br" if words[1:] else words[0] + "\n.br"


def section(path, command):
    """What is said of one command."""
    lines = [f'.SS "{roff(" ".join(path))}"', roff(command.get("abstract", ""))]
    if command.get("discussion"):
        lines.append(roff(command["discussion"]))
    for argument in filter(is_shown, command.get("arguments", [])):
        lines += [".TP", heading(argument), roff(argument.get("abstract", ""))]
    return "\n".join(line for line in lines if line)


def commands(command, path=()):
    """(path, command) of each that does something, from the top."""
    path += (command["commandName"],)
    children = [child for child in command.get("subcommands", [])
                if child["commandName"] != "help" and child["shouldDisplay"]]
    if not children:
        yield path, command
    for child in children:
        yield from commands(child, path)


def page(described, version, date):
    """The page, of the program's description, its version and a date."""
    found = list(commands(described["command"]))
    texts = {
        "DATE": date, "VERSION": roff(version), "ABSTRACT": roff(described["command"]["abstract"]).rstrip("."),
        "SYNOPSIS": "\n".join(usage(*each) for each in found), "COMMANDS": "\n".join(section(*each) for each in found),
    }
    return re.sub(r"@([A-Z]+)@", lambda match: texts[match[1]], TEMPLATE.read_text())


def said_by(program, *arguments):
    return subprocess.run([program, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def main(program):
    moment = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    described = json.loads(said_by(program, "--experimental-dump-help"))
    sys.stdout.write(page(described, said_by(program, "--version").strip(), f"{moment:%Y-%m-%d}"))


if __name__ == "__main__":
    main(*sys.argv[1:])
