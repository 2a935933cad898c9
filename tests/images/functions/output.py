"""Functions that write in every way, in Python."""

import asyncio
import ctypes
import faulthandler
import io
import logging
import os
import subprocess
import sys
import threading
import time


def children(params, context):
    print("from Python")
    subprocess.run(["echo", "from a child"])
    os.write(2, b"by its number\n")
    os.system("echo from a shell >&2")
    ctypes.CDLL(None).write(1, b"from C\n", 7)
    print("by its other name", file=sys.__stdout__)
    logging.warning("a warning")
    subprocess.run(["sh", "-c", "echo to a path > /dev/stderr"])
    print("no line's end", end="")


def much(params, context):
    """More than a pipe takes, from a child that is waited for."""
    subprocess.run(["sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; echo; echo end"], check=True)


def pieces(params, context):
    for byte in "grüße 🌍\n".encode():
        sys.stdout.buffer.write(bytes([byte]))
        sys.stdout.buffer.flush()
    sys.stdout.buffer.write(b"\xff no UTF-8\n")


def attributes(params, context):
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
    print("ü", flush=True)
    sys.stdout.writelines(["a", "b\n"])
    sys.stdout.reconfigure(write_through=False)
    print("kept back by nobody")
    return [
        sys.stdout.encoding,
        sys.stdout.name,
        sys.stdout.mode,
        sys.stdout.isatty(),
        sys.stdout.closed,
        sys.stdout.writable(),
        sys.stdout.fileno(),
        sys.stderr.fileno(),
        isinstance(sys.stdout, io.TextIOWrapper),
    ]


def wrap(params, context):
    """Puts a wrapper in the place of a stream, once, and writes through it."""
    name = params["stream"]
    stream = getattr(sys, name)
    if "ours" not in params:
        buffer = io.BufferedWriter(stream.buffer) if "between" in params else stream.buffer
        setattr(sys, name, io.TextIOWrapper(buffer, encoding="utf-8"))
    if "spin" in params:
        getattr(sys, name).write("before the deadline\n")
        while True:
            pass
    getattr(sys, name).write("in this call")
    if "fail" in params:
        raise ValueError("bad value")


def dropped(params, context):
    """A wrapper that ends with the call closes nothing."""
    io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8").write("through it\n")


def end(params, context):
    """Says something, and ends in some way."""
    print("the last line")
    how = params["how"]
    if how == "return":
        return
    if how == "exit":
        os.write(2, b"to descriptor 2\n")
        os._exit(3)
    if how == "segfault":
        faulthandler.enable(sys.__stderr__)
        ctypes.string_at(0)
    if how == "memory":
        kept = []
        while True:
            kept.append(b"x" * (1 << 20))
    if how == "kill":
        os.kill(os.getpid(), 9)
    if how == "regex":  # holds the interpreter's lock for ever
        import re

        re.match(r"(a+)+$", "a" * 64 + "b")
    while True:
        time.sleep(1)


def leave_thread(params, context):
    """A thread that outlives its call writes when the next one lets it, and that is running."""
    global let_go, written
    if params["step"] == 1:
        let_go, written = threading.Event(), threading.Event()

        def outlive():
            let_go.wait(20)
            print("late")
            written.set()

        threading.Thread(target=outlive, daemon=True).start()
    else:
        let_go.set()
        written.wait(20)
    print("step", params["step"])


def leave_writer(params, context):
    """A thread that outlives its call writes past Python's streams while the next call runs."""
    global let_go, written
    if params["step"] == 1:
        let_go, written = threading.Event(), threading.Event()

        def outlive():
            let_go.wait(20)
            os.write(1, b"late, by its number\n")
            subprocess.run(["echo", "late, from a child"])
            written.set()

        threading.Thread(target=outlive, daemon=True).start()
    else:
        os.write(1, b"before\n")
        let_go.set()
        written.wait(20)
        os.write(1, b"after\n")


def unfinished(params, context):
    """Begins lines by all ways, and is late."""
    print("whole")
    sys.stdout.write("by name ")
    sys.stderr.write("by another ")
    os.write(2, b"by its number")
    time.sleep(30)


def leave_child(params, context):
    """The same with a process."""
    global child
    if params["step"] == 1:
        script = "read line; echo late; read line; echo later"
        child = subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE)
    elif params["step"] == 2:
        child.stdin.write(b"\n")
        child.stdin.flush()
        time.sleep(0.2)
    else:
        child.stdin.write(b"\n")
        child.stdin.close()
        child.wait()
    print("step", params["step"])


async def coroutine(params, context):
    for _ in range(5):
        print(params["word"])
        await asyncio.sleep(0.005)


def long_lines(params, context):
    sys.stdout.write("y" * 200_000 + "\n")
