"""The programs that are measured: which there are, and what has to be done before they can be started.

A client of another language is one more line in `all_programs`.
"""
import functools
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workloads import WORKLOADS

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILT = ROOT / ".build" / "client-benchmark"
PYTHON_CLIENT = ROOT / "proto" / "clients" / "python"


class LeftOut(Exception):
    """A program that cannot be had here, and why."""


@dataclass
class Program:
    """`group` is a language and style; the ratios of a group are to its first Redis client."""

    group: str
    name: str
    prepare: Callable[[], list[str]]  # gives the command, without its arguments; raises LeftOut
    is_hubrelay: bool = False  # it is given the relay's socket, others the address of Redis
    workloads: tuple[str, ...] = tuple(WORKLOADS)
    environment: dict[str, str] = field(default_factory=dict)
    #: Bursts before what is measured: connections are open then, and code that is compiled as it runs is warm.
    warmup: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WORKLOADS, 16))
    command: list[str] = field(default_factory=list)


#: One caller has 64 messages at hand, and puts them into one pipeline.
PIPELINED: dict[str, Any] = {"workloads": ("publish-64",), "environment": {"PIPELINED": "1"}}

#: Where Debian has packages for Node.js, and how a Node.js that is not Debian's own finds them.
DEBIAN_NODE = pathlib.Path("/usr/share/nodejs")
NODE_PATH = {"NODE_PATH": str(DEBIAN_NODE)}


#: Where Debian has Predis, and predis.php looks for it.
DEBIAN_PREDIS = pathlib.Path("/usr/share/php/Predis/autoload.php")


def all_programs():
    return [
        *_python_group("Python asyncio", "hubrelay_asyncio.py", "redis_asyncio.py"),
        *_python_group("Python blocking", "hubrelay_blocking.py", "redis_sync.py"),
        *_go_group("Go"),
        *_java_groups(),
        *_node_group("Node"),
        *_ruby_group("Ruby"),
        *_php_group("PHP"),
        *_dotnet_group(".NET (Mono)"),
    ]


def _python_group(group, hubrelay, redis):
    def program(name, file, *packages, environment=None, **facts):
        def prepare():
            for package in packages:
                _install(package)
            return [sys.executable, str(HERE / "python" / file)]
        paths = [BUILT / "python" / package for package in packages] or [PYTHON_CLIENT]
        return Program(group, name, prepare, **facts,
                       environment={**(environment or {}), "PYTHONPATH": os.pathsep.join(map(str, paths))})
    return [
        program("hubrelay", hubrelay, is_hubrelay=True),
        program("redis-py", redis, "redis"),
        program("redis-py with hiredis", redis, "redis", "hiredis"),
        program("redis-py with hiredis, pipelines", redis, "redis", "hiredis", **PIPELINED),
    ]


def _go_group(group):
    return [
        Program(group, "hubrelay", lambda: _build_go("hubrelay"), is_hubrelay=True),
        Program(group, "go-redis", lambda: _build_go("go-redis")),
        Program(group, "go-redis, pipelines", lambda: _build_go("go-redis"), **PIPELINED),
        Program(group, "redigo", lambda: _build_go("redigo", "github.com/gomodule/redigo")),
    ]


def _java_groups():
    """Redis clients for Java are not in Debian, and a plain socket is cheaper than any of them. A JVM compiles what it
    runs often, in threads of the same process: it needs a longer warm-up than others."""
    warmup = {"publish-64": 4096, "publish-1": 1024, "delivery": 4096}

    def program(group, name, main, **facts):
        return Program(group, name, lambda: _build_java(main), warmup=warmup, **facts)

    blocking, futures = "Java blocking", "Java futures"
    publishes = ("publish-64", "publish-1")
    return [
        program(blocking, "hubrelay", "Hubrelay", is_hubrelay=True),
        program(blocking, "RESP by a plain socket", "RedisBlocking"),
        program(blocking, "RESP by a plain socket, pipelines", "RedisBlocking", **PIPELINED),
        program(futures, "hubrelay", "Hubrelay", is_hubrelay=True, workloads=publishes, environment={"FUTURES": "1"}),
        program(futures, "RESP by a plain socket", "RedisFutures", workloads=publishes),
    ]


def _node_group(group):
    return [
        Program(group, "hubrelay", lambda: _node("hubrelay.js"), is_hubrelay=True),
        Program(group, "node-redis", lambda: _node("node_redis.js", "redis"), environment=NODE_PATH),
        Program(group, "node-redis, pipelines", lambda: _node("node_redis.js", "redis"),
                **{**PIPELINED, "environment": {**PIPELINED["environment"], **NODE_PATH}}),
    ]


def _ruby_group(group):
    def ruby(file, *libraries):
        def prepare():
            for library in libraries:
                _run(["ruby", "-e", f"require '{library}'"])
            return ["ruby", "-I", str(ROOT / "proto" / "clients" / "ruby" / "lib"), str(HERE / "ruby" / file)]
        return prepare
    return [
        Program(group, "hubrelay", ruby("hubrelay_client.rb", "etc"), is_hubrelay=True),
        Program(group, "redis-rb", ruby("redis_client.rb", "redis")),
        Program(group, "redis-rb, pipelines", ruby("redis_client.rb", "redis"), **PIPELINED),
        Program(group, "redis-rb with hiredis", ruby("redis_client.rb", "redis", "hiredis"),
                environment={"REDIS_DRIVER": "hiredis"}),
    ]


def _php_group(group):
    return [
        Program(group, "hubrelay", lambda: _php("hubrelay.php"), is_hubrelay=True),
        Program(group, "Predis", _predis),
        Program(group, "Predis, pipelines", _predis, **PIPELINED),
        Program(group, "PHP streams", lambda: _php("plain.php")),
        Program(group, "phpredis", lambda: _php("phpredis.php", "redis"), workloads=("publish-1", "delivery")),
        Program(group, "phpredis, pipelines", lambda: _php("phpredis.php", "redis"), **PIPELINED),
    ]


def _dotnet_group(group):
    return [
        Program(group, "hubrelay", lambda: _build_dotnet("HubrelayProgram"), is_hubrelay=True),
        Program(group, "plain sockets", lambda: _build_dotnet("RespProgram")),
        Program(group, "plain sockets, threads", lambda: _build_dotnet("RespProgram"), environment={"THREADS": "1"}),
    ]


def _run(arguments, **options):
    """Raises LeftOut with the last line of what it says if it fails."""
    try:
        subprocess.run(arguments, check=True, timeout=300, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       **options)
    except FileNotFoundError:
        raise LeftOut(f"there is no {arguments[0]}") from None
    except subprocess.TimeoutExpired:
        raise LeftOut(f"{' '.join(arguments[:3])} takes too long") from None
    except subprocess.CalledProcessError as error:
        raise LeftOut((error.stdout.strip().splitlines() or [str(error)])[-1]) from None


def _install(package):
    """A package from PyPI, the newest at the first run. It stays until its folder is removed."""
    path = BUILT / "python" / package
    if path.is_dir():
        return
    unfinished = path.with_name(package + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    _run([sys.executable, "-m", "pip", "install", "--quiet", "--root-user-action", "ignore", "--target",
          str(unfinished), package])
    unfinished.rename(path)


def _node(file, package=None):
    """A program for Node.js. `package` comes from Debian, where that is installed."""
    if not shutil.which("node"):
        raise LeftOut("there is no node")
    if package is not None and not (DEBIAN_NODE / package).is_dir():
        raise LeftOut(f"there is no {DEBIAN_NODE / package} (Debian: node-{package})")
    return ["node", str(HERE / "node" / file)]


def _php(file, extension=None):
    """A program in php/, for an extension that PHP has to have."""
    _run(["php", "-r", f"exit((int) !extension_loaded('{extension}'));" if extension else ""])
    return ["php", str(HERE / "php" / file)]


def _predis():
    if not DEBIAN_PREDIS.is_file():
        raise LeftOut(f"there is no {DEBIAN_PREDIS} (Debian: php-predis)")
    return _php("predis.php")


def _build_go(name, module=None):
    """Builds go/NAME. Its modules come from Go's proxy, or `module` as Debian packages it."""
    folder, built = HERE / "go" / name, BUILT / "go" / name
    built.mkdir(parents=True, exist_ok=True)
    binary, modules = str(built / "program"), str(built / "go.mod")
    shutil.copy(folder / "go.mod", modules)
    build = ["go", "build", "-mod=mod", f"-modfile={modules}", "-o", binary, "."]
    environment = {**os.environ, "GOMODCACHE": str(BUILT / "go" / "modules"), "GOFLAGS": "-modcacherw"}
    try:
        _run(build, cwd=folder, env=environment)
    except LeftOut:
        debian = f"/usr/share/gocode/src/{module}"
        if module is None or not os.path.isdir(debian):
            raise
        _run(["go", "mod", "edit", f"-replace={module}={debian}", modules], cwd=folder)
        _run(build, cwd=folder, env=environment)
    return [binary]


def _build_java(main):
    return ["java", "-cp", str(_java_classes()), f"bench.{main}"]


@functools.cache
def _java_classes():
    """Compiles the client, and java/bench on top of it, once a run."""
    built = BUILT / "java"
    sources = [*(ROOT / "proto" / "clients" / "java" / "src" / "main" / "java").rglob("*.java"),
               *(HERE / "java").rglob("*.java")]
    shutil.rmtree(built, ignore_errors=True)
    _run(["javac", "-d", str(built), *(str(source) for source in sources)])
    return built


def _build_dotnet(name):
    """Builds dotnet/NAME.cs with Mono's compiler, beside the library, which its own folder builds."""
    folder, built, client = HERE / "dotnet", BUILT / "dotnet", ROOT / "proto" / "clients" / "dotnet"
    built.mkdir(parents=True, exist_ok=True)
    _run([str(client / "build")])
    shutil.copy(ROOT / ".build" / "clients" / "dotnet" / "Hubrelay.dll", built)
    binary = built / f"{name}.exe"
    _run(["mcs", "-langversion:latest", "-optimize", "-r:System.Core", f"-r:{built / 'Hubrelay.dll'}", f"-out:{binary}",
          str(folder / "Measure.cs"), str(folder / f"{name}.cs")])
    return ["mono", str(binary)]
