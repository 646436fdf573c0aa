"""A connection in a process of its own, which asks one Ping after the other. Nothing that others do may delay it.

    python3 bystander.py SOCKET

Ends when its standard input does, and prints how many Pings were answered and the longest wait in milliseconds. It is a
process, since the fuzzer itself is busy for longer than a Ping takes.
"""
import pathlib
import select
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import wire


def frames(file):
    while head := file.read(4):
        yield wire.decode(file.read(int.from_bytes(head, "big")))


def main():
    count, longest = 0, 0.0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(sys.argv[1])
        coming = frames(connection.makefile("rb"))
        connection.sendall(wire.encode(wire.Hello(1, "bystander")))
        next(coming)
        print("ready", flush=True)
        while not select.select([sys.stdin], [], [], 0.01)[0]:
            count += 1
            began = time.monotonic()
            try:
                connection.sendall(wire.encode(wire.Ping(count)))
            except OSError as error:
                print(f"the relay has closed it ({error}), and said {list(coming)[-1:]}")
                return
            while not isinstance(frame := next(coming, None), wire.Reply):
                if frame is None or isinstance(frame, wire.Error):
                    print(f"the relay has closed it, and said {frame}")
                    return
            longest = max(longest, time.monotonic() - began)
    print(count, longest * 1000, flush=True)


if __name__ == "__main__":
    main()
