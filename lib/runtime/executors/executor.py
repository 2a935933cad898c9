"""The program that runs in containers of Python functions, Python 3.8 or newer.

It connects to the node's unix socket, says hello, loads the handler and answers calls. Frames are
a 4-byte big-endian length and JSON in UTF-8 (lib/runtime/wire/frames.ts).

What calls write leaves the process line by line, so that it is kept whatever becomes of it.
Descriptors 1 and 2 are a pipe of which this process has the reading end, too, and process 1
(lib/runtime/docker/native/init.c) empties it when this one has died. Child processes and C code
write to it, and calls that are expected to be short: their reply then has it. What others write goes
to the node at once.

Only C modules are imported before the first call: official slim images carry no compiled standard
library and the root is read-only, so each pure-Python import is compiled again at every start
(`import json` alone costs 40 ms).

With the argument `generic` it is started ahead, for no function yet: it imports what functions
import most, says hello, and learns its function from the first frame.
"""

import os
import sys
from _codecs import utf_8_decode
from _contextvars import ContextVar
from _signal import ITIMER_REAL, SIGALRM, SIGUSR1, getsignal, pthread_kill, setitimer, signal
from _socket import AF_UNIX, MSG_DONTWAIT, SOCK_STREAM, socket
from _thread import RLock, allocate_lock, get_ident, start_new_thread
from binascii import b2a_base64
from fcntl import ioctl
from io import RawIOBase, TextIOWrapper
from itertools import count
from select import POLLIN, poll
from time import monotonic, sleep, time

MAX_FRAME = 64 << 20
MAX_OUTPUT = 1 << 20
MAX_TEXT = 1 << 16
OUTPUT_CUT = "\n[output cut here: it is longer than 1,048,576 characters]\n"
# The node interrupts at the deadline too and answers first; this timer is for blocking calls.
DEADLINE_SLACK_S = 0.005
# Before a deadline, what the function's own buffers hold is flushed, so that the node's answer has it.
FLUSH_AHEAD_S = 0.03
# How soon a coroutine has to give way that was cancelled, and how often it is broken into.
YIELD_S = 0.03
BREAK_INS = 50
# How long a thread waits for the result of a function until it can be interrupted.
WAIT_TURN_S = 0.02
# The reading end of the pipe behind descriptors 1 and 2.
PIPE = 3
# Tells how much is in a pipe (ioctl_tty(2)); a poll for nothing takes twice as long.
FIONREAD = 0x541B
NOTHING = bytes(4)
# What a call writes at once to the pipe; less than that is written as a whole (pipe(7)).
MAX_PIECE = 4096
# Calls are expected to be as short as the one before. While longer ones run, the pipe is looked at so often.
SHORT_S = 0.01
WATCH_S = 0.005
WATCH_ROUNDS = 20
FOREVER = float("inf")
# What a generic executor imports ahead; 14 MiB with the interpreter on CPython 3.11.
COMMON_MODULES = (
    "asyncio base64 collections contextlib copy csv dataclasses datetime decimal enum functools "
    "hashlib hmac io itertools json logging math operator pathlib random re string struct "
    "threading time traceback typing urllib.parse uuid"
)
CODE_FOLDER = "/app"
# The flag of functions made by `async def` (inspect.CO_COROUTINE).
CO_COROUTINE = 0x80


class Interrupted(BaseException):
    """Raised inside the handler when its time is up or its caller has left."""


# JSON ----------------------------------------------------------------------------------------


def _refuse(constant):
    raise ValueError(constant + " is not JSON")


class _ScannerOptions:
    strict = True
    object_hook = None
    object_pairs_hook = None
    array_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse)
    memo = {}


def _not_serializable(value):
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def _accelerated():
    """The C halves of the json module, without its Python half."""
    from _json import encode_basestring_ascii, make_encoder, make_scanner

    scan = make_scanner(_ScannerOptions)

    def loads(text):
        return scan(text, 0)[0]

    def dumps(value):
        encode = make_encoder(
            {}, _not_serializable, encode_basestring_ascii, None, ": ", ", ", False, False, False
        )
        return "".join(encode(value, 0))

    if loads('{"a":[1.5,null,"\\u00e9"]}') != {"a": [1.5, None, "\u00e9"]} or dumps([1, {"a": "b"}]) != '[1, {"a": "b"}]':
        raise ImportError("_json is not as expected")
    return loads, dumps, encode_basestring_ascii


try:
    loads, dumps, quote = _accelerated()
except Exception:  # another Python than CPython, or a changed private module
    import json

    loads = json.loads
    quote = json.dumps

    def dumps(value):
        return json.dumps(value, allow_nan=False)


# Captured output -----------------------------------------------------------------------------


class Sink:
    """Whose output it is: a call's, or nobody's, which has no name."""

    __slots__ = ("name", "room", "tails", "copy")

    def __init__(self, name=None, copy=None):
        self.name = name
        self.room = FOREVER if name is None else MAX_OUTPUT
        # What has no line's end yet, by the descriptor that it is for.
        self.tails = None
        # A list that gets it, too.
        self.copy = copy


# As the system has it: functions call `Output.write_number` by that name.
write_bytes = os.write

# The sink of what runs. A thread of Python's begins without one: see inherit_output.
CURRENT = ContextVar("output", default=None)


class Output:
    """Tells the node what is written, when a line of it is complete."""

    def __init__(self, channel):
        self.channel = channel
        self.nobody = Sink()
        # Whose is what comes out of the pipe.
        self.owner = self.nobody
        # True if what the running call writes goes through the pipe, too.
        self.piped = False
        # What it has written of a line, on its way there.
        self.piece = b""
        # List that collects what would be sent, for the reply.
        self.collected = None
        self.main = get_ident()
        # True in a child process of the function: it writes to the pipe.
        self.forked = False
        # True if the running call has started processes; True if any of them goes on after its call.
        self.spawned = False
        self.shared = False
        # What was written while this very thread was writing: by signal handlers and finalizers.
        self.deferred = []
        self.streams = (Written(self, 1, "<stdout>"), Written(self, 2, "<stderr>"))
        self.count = bytearray(4)
        os.set_inheritable(PIPE, False)
        # Its writing end, wherever the function may put descriptors 1 and 2.
        self.writer = os.dup(1)
        self.pipe = os.readlink("/proc/self/fd/%d" % PIPE)
        self.texts = tuple(self.text(stream) for stream in self.streams)
        sys.stdout, sys.stderr = self.texts
        os.register_at_fork(before=self.mark_spawned, after_in_child=self.enter_child)
        start_new_thread(self.watch, ())

    def text(self, stream):
        text = TextIOWrapper(stream, "utf-8", "backslashreplace", "\n", False, True)
        text.mode = "w"
        return text

    def write(self, data, number):
        """Somebody writes to one of the streams."""
        sink = CURRENT.get() or self.nobody
        if self.piped and sink is self.owner and len(data) <= MAX_PIECE:
            if number == 1 and get_ident() == self.main:
                piece, self.piece = self.piece, b""
                data = piece + data
                if len(data) <= MAX_PIECE and not data.endswith(b"\n"):
                    self.piece = data
                    return
            write_bytes(self.writer, data)
            return
        if self.forked:
            at = 0
            while at < len(data):
                at += write_bytes(number, data[at:])
            return
        lock = self.channel.lock
        if lock._is_owned():
            self.deferred.append((sink, number, data))
            return
        with lock:
            self.take(sink, number, data)
            while self.deferred:
                self.take(*self.deferred.pop(0))

    def flush(self, number):
        """Tells the node the part of a line that was written to a stream."""
        if self.piece and get_ident() == self.main:
            piece, self.piece = self.piece, b""
            write_bytes(self.writer, piece)
        sink = CURRENT.get() or self.nobody
        if not sink.tails or self.forked or self.channel.lock._is_owned():
            return
        with self.channel.lock:
            rest = sink.tails.pop(number, None)
            if rest:
                # Bytes of a character whose last ones are still to come wait for these.
                text, used = utf_8_decode(rest, "replace", False)
                if used < len(rest):
                    sink.tails[number] = rest[used:]
                self.tell(sink, text)

    # All that follows runs with the channel's lock held.

    def take(self, sink, number, data):
        tails = sink.tails
        if tails is None:
            tails = sink.tails = {}
        rest = tails.pop(number, None)
        if rest:
            data = rest + data
        end = data.rfind(b"\n") + 1
        if end == 0 and len(data) > MAX_TEXT:
            end = utf_8_decode(data, "replace", False)[1]
        if end < len(data):
            tails[number] = data[end:]
            data = data[:end]
        if data:
            if number != PIPE:
                self.drain()
            self.tell(sink, str(data, "utf-8", "replace"))

    def tell(self, sink, text):
        if sink.room < 0:
            return
        sink.room -= len(text)
        if sink.room < 0:
            text = text[: sink.room] + OUTPUT_CUT
        if sink.copy is not None:
            sink.copy.append(text)
        # What is nobody's may come out of the pipe at a call's end: another's child has written it.
        if self.collected is not None and sink is self.owner and sink.name is not None:
            self.collected.append(text)
            return
        name = "null" if sink.name is None else quote(sink.name)
        for at in range(0, len(text), MAX_TEXT):
            self.channel.put('{"log":%s,"text":%s}' % (name, quote(text[at : at + MAX_TEXT])))

    def drain(self):
        """Takes what is in the pipe. Gives True if there was something."""
        count = self.count
        found = False
        try:
            while not ioctl(PIPE, FIONREAD, count) and count != NOTHING:
                data = os.read(PIPE, MAX_TEXT)
                found = True
                self.take(self.owner, PIPE, data)
        except OSError:  # the function has closed it
            pass
        return found

    # Around calls that run one at a time.

    def begin(self, sink, piped=False):
        if self.shared:
            with self.channel.lock:
                self.drain()
                self.shared = self.is_shared()
        if not self.shared:
            self.owner = sink
        self.piped = piped
        CURRENT.set(sink)

    def end(self, sink):
        """Gives what the call has written and the node does not know yet."""
        if self.forked:
            return ""
        self.flush_bound()
        if self.piece:
            self.flush(1)
        with self.channel.lock:
            collected = self.collected = []
            self.drain()
            if sink.tails:
                self.complete(sink)
            if self.spawned:
                self.spawned = False
                self.shared = self.is_shared()
            self.owner = self.nobody
            self.piped = False
            self.collected = None
        return "".join(collected) if collected else ""

    def complete(self, sink):
        """The call has ended: a line that it has not ended does, too."""
        if sink.tails:
            tails, sink.tails = sink.tails, None
            for rest in tails.values():
                self.tell(sink, str(rest, "utf-8", "replace"))

    def flush_bound(self):
        """Flushes what the function has put in the place of sys.stdout and sys.stderr."""
        out, err = self.texts
        if sys.stdout is out and sys.stderr is err and out.write_through and err.write_through:
            return
        for stream in (sys.stdout, sys.stderr):
            try:
                if type(stream) is TextIOWrapper and stream.buffer in self.streams:
                    # From now on it keeps nothing back.
                    stream.reconfigure(write_through=True)
                stream.flush()
            except Exception:  # whatever it is, None or closed or the function's own
                pass

    def flush_all(self):
        """Tells the node all that the running call has written, lines that have no end yet too."""
        self.flush_bound()
        self.flush(1)
        with self.channel.lock:
            self.drain()
        for number in (2, PIPE):
            self.flush(number)

    # Processes of the function.

    def watch(self):
        """Takes what comes out of the pipe when no call's end does, so that nobody waits at a full one."""
        readable = poll()
        readable.register(PIPE, POLLIN)
        wait = readable.poll
        while True:
            wait()
            # Not for every line of short calls: what they write waits for their end.
            rounds = WATCH_ROUNDS
            while rounds > 0:
                with self.channel.lock:
                    rounds = WATCH_ROUNDS if self.drain() else rounds - 1
                sleep(WATCH_S)

    def is_stray(self):
        """True on a thread that has outlived the call that started it, while another call runs."""
        owner = self.owner
        return (
            get_ident() != self.main and owner is not self.nobody and CURRENT.get() is not owner
        )

    def mark_spawned(self):
        self.spawned = True
        if self.is_stray():
            # What its child writes must not get into the output of the call that runs.
            with self.channel.lock:
                self.drain()
                self.owner = self.nobody
                self.shared = True

    def write_number(self, number, data):
        """Writes for os.write: on a stray thread past the pipe, which the running call owns."""
        if number != 1 and number != 2 or not self.is_stray() or not self.is_ours(number):
            return write_bytes(number, data)
        with self.channel.lock:
            self.take(CURRENT.get() or self.nobody, number, bytes(data))
        return len(data)

    def is_ours(self, number):
        try:
            return os.readlink("/proc/self/fd/%d" % number) == self.pipe
        except OSError:
            return False

    def enter_child(self):
        self.forked = True
        self.owner = self.nobody
        self.piped = False
        self.piece = b""
        self.channel.lock = RLock()
        for text in self.texts:
            # So that lines of several processes stay whole.
            text.reconfigure(line_buffering=True, write_through=False)

    def is_shared(self):
        """True if another process of the function may write to the pipe."""
        for name in os.listdir("/proc"):
            if not name.isdigit() or name == "1" or int(name) == os.getpid():
                continue
            folder = "/proc/%s/fd/" % name
            try:
                if any(os.readlink(folder + number) == self.pipe for number in os.listdir(folder)):
                    return True
            except FileNotFoundError:  # it has ended
                pass
            except OSError:
                return True
        return False


def mark_spawns(output):
    """Makes the calls that start processes say so. os.register_at_fork notices forks."""
    import _posixsubprocess

    def marked(start):
        def spawn(*args, **kwargs):
            output.mark_spawned()
            return start(*args, **kwargs)

        return spawn

    for module, name in (
        (_posixsubprocess, "fork_exec"),
        (sys.modules.get("subprocess"), "_fork_exec"),
        (os, "system"),
        (os, "posix_spawn"),
        (os, "posix_spawnp"),
    ):
        if hasattr(module, name):
            setattr(module, name, marked(getattr(module, name)))


class Written(RawIOBase):
    """The buffer of sys.stdout or sys.stderr. Nobody can close it: wrappers that end would."""

    mode = "wb"

    def __init__(self, output, number, name):
        self.output = output
        self.number = number
        self.name = name

    @property
    def raw(self):
        return self

    def writable(self):
        return True

    def fileno(self):
        return self.number

    def write(self, data):
        data = bytes(data)
        self.output.write(data, self.number)
        return len(data)

    def flush(self):
        self.output.flush(self.number)

    def close(self):
        self.flush()


# The channel ---------------------------------------------------------------------------------


class Channel:
    """Frames over the node's socket. Its descriptor is closed in child processes (PEP 446)."""

    def __init__(self, path, token):
        self.socket = socket(AF_UNIX, SOCK_STREAM)
        self.socket.connect(path)
        self.lock = RLock()
        self.buffer = b""
        # Frames that arrived while a call waited for functions that it had invoked.
        self.later = []
        # What is called with the responses that functions wait for, by their number.
        self.waiting = {}
        # A thread that waits in recv() is also woken when the node has read its reply, for nothing;
        # one that waits in poll() is woken only by a call.
        readable = poll()
        readable.register(self.socket.fileno(), POLLIN)
        self.wait = readable.poll
        self.send('{"token":' + quote(token) + "}")

    def send(self, text):
        with self.lock:
            self.put(text)

    def put(self, text):
        """Sends a frame; the lock is held."""
        data = text.encode("ascii")
        self.socket.sendall(len(data).to_bytes(4, "big") + data)

    def _take(self):
        """The next frame that has arrived completely, or None."""
        buffer = self.buffer
        if len(buffer) < 4:
            return None
        end = 4 + int.from_bytes(buffer[:4], "big")
        if len(buffer) < end:
            return None
        self.buffer = buffer[end:]
        try:
            return loads(str(buffer[4:end], "utf-8"))
        except Exception as error:
            return self._refuse(buffer[4:end], error)

    def _refuse(self, data, error):
        """Answers a call that cannot be read; the node writes its id first. Gives a frame that stops it."""
        if not data.startswith(b'{"id":"'):
            raise error
        name = loads(str(data[6 : data.index(b'","') + 1], "utf-8"))
        why = "are nested too deeply" if isinstance(error, RecursionError) else "cannot be read"
        message = "The parameters %s: %s" % (why, error)
        self.send(failed({"id": name}, (type(error).__name__, message, "")))
        return {"cancel": name}

    def receive(self):
        """Waits for the next frame. The process ends when the node has closed the channel."""
        while True:
            frame = self.later.pop(0) if self.later else self._take()
            if frame is not None:
                if "invoked" not in frame:
                    return frame
                self.settle(frame)
                continue
            missing = 65536
            if len(self.buffer) >= 4:
                missing = 4 + int.from_bytes(self.buffer[:4], "big") - len(self.buffer)
            self.wait()
            data = self.socket.recv(max(65536, missing))
            if not data:
                os._exit(0)
            if missing <= 65536:
                self.buffer += data
            else:
                self._receive_large(data, missing)

    def _receive_large(self, data, missing):
        parts = [self.buffer, data]
        missing -= len(data)
        while missing > 0:
            data = self.socket.recv(min(missing, 1 << 20))
            if not data:
                os._exit(0)
            parts.append(data)
            missing -= len(data)
        self.buffer = b"".join(parts)

    def gather(self):
        """Takes the frames that have arrived behind the running call, without waiting; the lock is held.

        Those that are not for what functions wait for stay queued.
        """
        try:
            data = self.socket.recv(1 << 20, MSG_DONTWAIT)
            if not data:
                os._exit(0)
            self.buffer += data
            missing = 4 + int.from_bytes(self.buffer[:4], "big") - len(self.buffer)
            if missing > 1 << 20:
                self._receive_large(b"", missing)
        except BlockingIOError:
            pass
        frame = self._take()
        while frame is not None:
            if "invoked" in frame:
                self.settle(frame)
            else:
                self.later.append(frame)
            frame = self._take()

    def settle(self, frame):
        """Passes the response of a function to the call that waits for it."""
        settle = self.waiting.pop(frame["invoked"], None)
        if settle is not None:
            settle(frame)


# Functions that the function invokes ---------------------------------------------------------


class InvocationError(Exception):
    """Why there is no result of a function that was invoked; `code` is one of the node's error codes."""

    def __init__(self, code, message):
        Exception.__init__(self, message)
        self.code = code


class Invoker:
    """Sends requests to invoke functions, and waits for their results."""

    def __init__(self, channel, executor):
        self.channel = channel
        self.output = executor.output
        self.numbers = count(1)
        # Receives while a call runs, if no thread does; else None.
        self.pump = getattr(executor, "pump", None)
        # How many results are awaited on each event loop that receives.
        self.awaited = {}

    def invoke(self, call, name, params):
        asyncio = sys.modules.get("asyncio")
        loop = asyncio and asyncio._get_running_loop()
        if loop is not None:
            future = loop.create_future()

            def settle(frame):
                try:
                    loop.call_soon_threadsafe(lambda: future.done() or future.set_result(frame))
                except RuntimeError:  # the function has closed its loop
                    pass

            self.send(call, name, params, settle)
            return self.result_of(future, loop)
        frames = []
        done = allocate_lock()
        done.acquire()

        def settle(frame):
            frames.append(frame)
            done.release()

        number = self.send(call, name, params, settle)
        readable = poll()
        readable.register(self.channel.socket.fileno(), POLLIN)
        try:
            # In turns, since nothing interrupts a thread that waits for a lock, and another thread
            # may have received the response.
            while not frames:
                if self.pump is None:
                    done.acquire(True, WAIT_TURN_S)
                else:
                    readable.poll(WAIT_TURN_S * 1000)
                    self.pump()
        finally:
            self.channel.waiting.pop(number, None)
        return result_in(frames[0])

    async def result_of(self, future, loop):
        if self.pump is None:
            return result_in(await future)
        # The event loop receives: nothing else does while it runs.
        descriptor = self.channel.socket.fileno()
        awaited = self.awaited
        awaited[loop] = awaited.get(loop, 0) + 1
        loop.add_reader(descriptor, self.pump)
        # What has arrived before.
        self.pump()
        try:
            return result_in(await future)
        finally:
            awaited[loop] -= 1
            if awaited[loop] == 0:
                del awaited[loop]
                loop.remove_reader(descriptor)

    def send(self, call, name, params, settle):
        if self.output.forked:
            raise InvocationError("FORBIDDEN", "A child process cannot invoke functions")
        number = next(self.numbers)
        frame = '{"invoke":%d,"call":%s,"function":%s,"params":%s}' % (
            number, quote(call), quote(name), dumps(params)
        )
        if len(frame) > MAX_FRAME:
            raise InvocationError("PAYLOAD_TOO_LARGE", "The parameters are longer than 64 MiB of JSON")
        self.channel.waiting[number] = settle
        self.channel.send(frame)
        return number


def result_in(frame):
    error = frame.get("error")
    if error is not None:
        raise InvocationError(error["code"], error["message"])
    try:
        return loads(frame["result"])
    except (ValueError, StopIteration):  # custom images may respond with any text
        raise InvocationError("FUNCTION_ERROR", "The result of the function is not JSON") from None


# Failures and results ------------------------------------------------------------------------


def describe(error, skip=1):
    """Type, message and traceback of an exception, without the executor's own frames. Never raises."""

    def traceback():
        from traceback import format_exception

        trace = error.__traceback__
        for _ in range(skip):
            if trace is not None:
                trace = trace.tb_next
        return "".join(format_exception(type(error), error, trace))

    return (
        shown(lambda: type(error).__name__, "Exception"),
        shown(lambda: str(error), "(the exception's text cannot be made)"),
        shown(traceback, ""),
    )


def shown(make, otherwise):
    """Text that the function's own code has a hand in: that may raise, or give a str of its own class."""
    try:
        return str.__str__(make())
    except BaseException:
        return otherwise


def failed(request, failure, output=""):
    kind, message, trace = failure
    return '{"id":%s,"ok":false,"error":{"type":%s,"message":%s,"traceback":%s},"output":%s}' % (
        quote(request["id"]),
        quote(kind[:1000]),
        quote(message[:MAX_OUTPUT]),
        quote(trace[-MAX_OUTPUT:]),
        quote(output),
    )


def succeeded(request, result, output=""):
    reply = '{"id":%s,"ok":true,"result":%s,"output":%s}' % (
        quote(request["id"]),
        quote(result),
        quote(output),
    )
    if len(reply) > MAX_FRAME:
        why = (
            "ResultTooLarge",
            "The result is longer than 64 MiB of JSON, the maximum of one reply; "
            "the node's api.result.max may be smaller",
            "",
        )
        return failed(request, why, output)
    return reply


def encode(value):
    """JSON text of what a handler returned; bytes become base64 in an HTTP answer's shape."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = {"statusCode": 200, "body": value}
    if isinstance(value, dict) and isinstance(value.get("body"), (bytes, bytearray, memoryview)):
        body = b2a_base64(value["body"], newline=False).decode("ascii")
        value = dict(value, body=body, isBase64Encoded=True)
    return dumps(value)


class Context(dict):
    """What a handler gets as its second argument; its keys are attributes too."""

    InvocationError = InvocationError
    invoker = None

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def remaining_ms(self):
        """Time until the invocation is interrupted, ms."""
        return max(0.0, self["deadline_ms"] - time() * 1000)

    def invoke(self, name, params=None):
        """Invokes another function and gives its result; in async code, an awaitable of it."""
        return Context.invoker.invoke(self["request_id"], name, params)


# The handler ---------------------------------------------------------------------------------


def own_file(module):
    """The file of the code folder that a module's name stands for, or None."""
    path = CODE_FOLDER + "/" + module.replace(".", "/")
    for file in (path + ".py", path + "/__init__.py"):
        if os.path.isfile(file):
            return file
    return None


def absence(module):
    """Describes that the code has no file for the handler's module."""
    found = sorted(os.listdir(CODE_FOLDER))
    names = [name + "/" * os.path.isdir(CODE_FOLDER + "/" + name) for name in found[:10]]
    more = " and %d more" % (len(found) - 10) if len(found) > 10 else ""
    return "The function's code has no file %s.py. Files: %s%s" % (
        module.replace(".", "/"), ", ".join(names), more)


def import_own(module):
    """Imports a module of the function's: from its file, even if a module of Python's own hides it."""
    file = own_file(module)
    try:
        __import__(module)
        found = sys.modules[module]
    except ModuleNotFoundError as error:
        # Unless it is one that the module itself imports.
        if not (module + ".").startswith(str(error.name) + "."):
            raise
        if file is None:
            raise ModuleNotFoundError(absence(module), name=error.name) from None
        found = None
    if file is None or getattr(found, "__file__", None) == file:
        return found
    # What importlib is made of: importing that takes milliseconds.
    spec = sys.modules["_frozen_importlib_external"].spec_from_file_location(module, file)
    found = sys.modules["_frozen_importlib"].module_from_spec(spec)
    sys.modules.setdefault(module, found)
    spec.loader.exec_module(found)
    return found


def tell_hidden():
    """Tells which modules of the function's cannot be imported, since Python has its own already."""
    try:
        entries = os.listdir(CODE_FOLDER)
    except OSError:  # no code
        return
    for entry in sorted(entries):
        name, _, kind = entry.partition(".")
        if kind != "py" and not os.path.isfile("%s/%s/__init__.py" % (CODE_FOLDER, entry)):
            continue
        if name in sys.modules or name in sys.builtin_module_names:
            sys.stderr.write(
                "[serverledge] %s is hidden: `import %s` gives Python's own module. Rename it.\n" % (entry, name)
            )


def is_async(handler):
    """True if calling it gives a coroutine, as far as that can be seen."""
    for function in (handler, getattr(handler, "func", None), getattr(type(handler), "__call__", None)):
        code = getattr(function, "__code__", None)
        if code is not None and getattr(code, "co_flags", 0) & CO_COROUTINE:
            return True
    return False


class Function:
    """The user's function: loaded once, called for every request."""

    def __init__(self, output):
        environ = os.environ
        self.facts = {
            "function_name": environ.get("SERVERLEDGE_FUNCTION", ""),
            "memory_limit_mib": int(environ.get("SERVERLEDGE_MEMORY_MIB", "0")),
            "area": environ.get("SERVERLEDGE_AREA", ""),
            "node": environ.get("SERVERLEDGE_NODE", ""),
        }
        self.output = output
        self.handler = None
        self.failure = None
        # What it wrote while it was loaded, if that failed.
        self.written = ""
        self.is_async = False
        # Runs what is awaitable; the executor knows on which event loop.
        self.wait = None

    def load(self, name):
        """Imports the handler; what goes wrong is the answer of every call, with what was written."""
        path, _, function = name.rpartition(".")
        module = (path[2:] if path.startswith("./") else path).replace("/", ".")
        written = []
        sink = Sink(copy=written)
        self.output.begin(sink)
        try:
            if not module or not function:
                raise ImportError(
                    "The handler must be <module>.<function>, current value is %r" % name
                )
            tell_hidden()
            self.handler = getattr(import_own(module), function)
            if not callable(self.handler):
                raise TypeError("The handler %s is not callable" % name)
            self.is_async = is_async(self.handler)
            if self.is_async:
                # Now, so that no call's deadline pays for it.
                import asyncio  # noqa: F401
        except BaseException as error:
            if self.output.forked:
                self.leave_child(error)
            self.failure = describe(error)
        rest = self.output.end(sink)
        if rest:
            with self.output.channel.lock:
                self.output.tell(self.output.nobody, rest)
        sink.copy = None
        if self.failure is not None:
            self.written = "".join(written)

    def context(self, request):
        """What the handler gets as its second argument."""
        return Context(
            self.facts,
            request_id=request["id"],
            deadline_ms=time() * 1000 + request["timeoutMs"],
        )

    def call(self, request, started):
        """Runs the handler. `started` is called when an interruption may begin."""
        context = self.context(request)
        try:
            started()
            result = self.handler(request["params"], context)
            if hasattr(result, "__await__"):
                result = self.wait(result)
        except BaseException as error:
            if self.output.forked:
                self.leave_child(error)
            raise
        if self.output.forked:
            self.leave_child(None)
        return result

    def leave_child(self, error):
        """Ends a process that the function has forked and that came back here: it answers nothing."""
        status = 0
        if isinstance(error, SystemExit):
            status = error.code if isinstance(error.code, int) else 1 if error.code else 0
        elif error is not None:
            sys.stderr.write(describe(error)[2])
            status = 1
        self.output.flush_bound()
        os._exit(status & 255)


def main_loop():
    """The event loop of this thread: the one that the function's module has taken for it, if it has."""
    import asyncio
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loop = asyncio.get_event_loop()
        if not loop.is_closed():
            return loop
    except RuntimeError:  # there is none
        pass
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


INTERRUPTED = ("Interrupted", "The function was interrupted: its deadline passed or its caller disconnected", "")


class Serial:
    """One call at a time, on the main thread, so that signals interrupt blocking calls too."""

    def __init__(self, channel, function):
        self.channel = channel
        self.function = function
        self.output = function.output
        self.loop = None
        self.is_short = False
        self.running = None
        self.signalled = False
        self.deadline = FOREVER
        # When the next alarm comes. It stays set between calls, and one that comes before a call's
        # time is up is set again, so that hardly any call has to set it.
        self.alarm = FOREVER
        self.alarm_handler = self.on_alarm
        function.wait = self.wait
        signal(SIGALRM, self.alarm_handler)
        signal(SIGUSR1, self.on_cancel)

    def serve(self):
        receive = self.channel.receive
        while True:
            request = receive()
            if "cancel" not in request:
                self.channel.send(self.run(request))

    def set_alarm(self, at):
        self.alarm = at
        setitimer(ITIMER_REAL, max(0.001, at - monotonic()))

    def on_alarm(self, _number, _frame):
        self.alarm = FOREVER
        if self.running is None:
            return
        now = monotonic()
        if self.channel.lock._is_owned():
            # A frame must not be cut off.
            return self.set_alarm(now)
        if self.signalled:
            self.stop_if_cancelled()
        if now < self.deadline - FLUSH_AHEAD_S:
            return self.set_alarm(self.deadline - FLUSH_AHEAD_S)
        if now < self.deadline:
            self.set_alarm(self.deadline)
            return self.output.flush_all()
        self.running = None
        raise Interrupted()

    def take_alarm_back(self):
        """The function has used the alarm for itself: what it left must not hit another call."""
        setitimer(ITIMER_REAL, 0)
        signal(SIGALRM, self.alarm_handler)
        self.alarm = FOREVER

    def on_cancel(self, _number, _frame):
        """The node has sent a cancel frame for a call that is perhaps the running one."""
        if self.running is None:
            self.signalled = True
        elif self.channel.lock._is_owned():
            self.signalled = True
            self.set_alarm(monotonic())
        else:
            self.stop_if_cancelled()

    def stop_if_cancelled(self):
        self.signalled = False
        with self.channel.lock:
            self.channel.gather()
        for frame in self.channel.later:
            if frame.get("cancel") == self.running:
                self.running = None
                raise Interrupted()

    def pump(self):
        """Receives while a call runs. Between calls, what arrives is for the thread that waits for calls."""
        with self.channel.lock:
            if self.running is not None and not self.output.forked:
                self.channel.gather()

    def wait(self, awaitable):
        """Runs an async handler on this thread's event loop, which lives on."""
        import asyncio

        if self.loop is None:
            self.loop = main_loop()
        loop = self.loop
        task = asyncio.ensure_future(awaitable, loop=loop)
        try:
            return loop.run_until_complete(task)
        except Interrupted:
            # Lets the coroutine's own `finally` blocks run.
            task.cancel()
            loop.run_until_complete(asyncio.wait([task], timeout=1))
            raise

    def run(self, request):
        function, output = self.function, self.output
        if function.failure is not None:
            return failed(request, function.failure, function.written)
        sink = Sink(request["id"])

        def started():
            deadline = monotonic() + request["timeoutMs"] / 1000 + DEADLINE_SLACK_S
            self.deadline = deadline
            self.running = request["id"]
            if deadline - FLUSH_AHEAD_S < self.alarm:
                self.set_alarm(deadline - FLUSH_AHEAD_S)
            # The cancellation may have come before the call was begun.
            if self.signalled or self.channel.buffer or self.channel.later:
                self.stop_if_cancelled()

        begun = monotonic()
        output.begin(sink, self.is_short)
        failure = None
        try:
            try:
                result = function.call(request, started)
            finally:
                self.running = None
                if getsignal(SIGALRM) is not self.alarm_handler:
                    self.take_alarm_back()
            result = encode(result)
        except Interrupted:
            failure = INTERRUPTED
        except BaseException as error:
            failure = describe(error, 2)
        written = output.end(sink)
        self.is_short = monotonic() - begun < SHORT_S
        if failure is not None:
            return failed(request, failure, written)
        return succeeded(request, result, written)


class Job:
    """One call of a threaded executor."""

    __slots__ = ("request", "thread", "cancelled", "done")

    def __init__(self, request):
        self.request = request
        self.thread = None
        self.cancelled = False
        self.done = False


def inherit_output():
    """Lets threads that a call starts, and what it gives to a thread pool, write to the call's output.

    Context variables are not inherited by threads, nor by what pools run. To be called before
    `threading` is imported, which takes these functions over.
    """
    import _thread

    def inheriting(start):
        def start_with_output(function, *args, **kwargs):
            sink = CURRENT.get()

            def run(*args, **kwargs):
                CURRENT.set(sink)
                return function(*args, **kwargs)

            # A pool's threads outlive the call that started them. The pool's module is not imported
            # for this, which takes long: it is there once a pool starts its first thread.
            pools = sys.modules.get("concurrent.futures.thread")
            if pools is not None and not hasattr(pools.ThreadPoolExecutor.submit, "plain"):
                submit_with_output(pools.ThreadPoolExecutor)
            return start(function if sink is None else run, *args, **kwargs)

        return start_with_output

    for name in ("start_new_thread", "start_joinable_thread"):
        if hasattr(_thread, name):
            setattr(_thread, name, inheriting(getattr(_thread, name)))


def submit_with_output(Pool):
    plain = Pool.submit

    def submit(pool, function, /, *args, **kwargs):
        sink = CURRENT.get()

        def run(*args, **kwargs):
            CURRENT.set(sink)
            return function(*args, **kwargs)

        return plain(pool, run, *args, **kwargs)

    submit.plain = plain
    Pool.submit = submit


class Threaded:
    """Up to `limit` calls at once, each on a thread of its own that is used again."""

    def __init__(self, channel, function, limit):
        from _queue import SimpleQueue

        self.channel = channel
        self.function = function
        self.output = function.output
        self.limit = limit
        self.queue = SimpleQueue()
        self.lock = allocate_lock()
        self.jobs = {}
        self.threads = 0
        self.loop = None
        function.wait = self.wait

    def serve(self):
        while True:
            request = self.channel.receive()
            if "cancel" in request:
                self.cancel(request["cancel"])
                continue
            job = Job(request)
            with self.lock:
                self.jobs[request["id"]] = job
                grow = self.threads < min(self.limit, len(self.jobs))
                self.threads += grow
            if grow:
                start_new_thread(self.work, ())
            self.queue.put(job)

    def cancel(self, name):
        with self.lock:
            job = self.jobs.get(name)
            if job is None or job.done or job.cancelled:
                return
            job.cancelled = True
            if job.thread is not None:
                from ctypes import c_ulong, py_object, pythonapi

                pythonapi.PyThreadState_SetAsyncExc(c_ulong(job.thread), py_object(Interrupted))

    def work(self):
        thread = get_ident()
        while True:
            job = self.queue.get()
            sink = Sink(job.request["id"])
            try:
                reply = self.run(job, thread, sink)
                self.settle(job)
            except Interrupted:
                reply = failed(job.request, INTERRUPTED)
                job.done = True
            CURRENT.set(None)
            # Whose a shared buffer's text is nobody can tell.
            self.output.flush_bound()
            with self.channel.lock:
                self.output.complete(sink)
            with self.lock:
                del self.jobs[job.request["id"]]
            self.channel.send(reply)

    def run(self, job, thread, sink):
        request, function = job.request, self.function
        if function.failure is not None:
            return failed(request, function.failure, function.written)

        def started():
            with self.lock:
                job.thread = thread
                if job.cancelled:
                    raise Interrupted()

        CURRENT.set(sink)
        try:
            return succeeded(request, encode(function.call(request, started)))
        except Interrupted:
            raise
        except BaseException as error:
            return failed(request, describe(error, 2))

    def settle(self, job):
        """After this no interruption can hit the thread: one that is under way is awaited."""
        with self.lock:
            job.done = True
        end = monotonic() + 0.05
        while job.cancelled and monotonic() < end:
            sleep(0.001)

    def wait(self, awaitable):
        """Runs what a plain handler gave on the event loop that all calls share."""
        import asyncio

        with self.lock:
            if self.loop is None:
                self.loop = asyncio.new_event_loop()
                start_new_thread(self.loop.run_forever, ())

        async def whole():
            return await awaitable

        done = allocate_lock()
        done.acquire()
        future = asyncio.run_coroutine_threadsafe(whole(), self.loop)
        future.add_done_callback(lambda _: done.release())
        try:
            # In turns, since nothing interrupts a thread that waits for a lock.
            while not done.acquire(True, 0.02):
                pass
        except Interrupted:
            future.cancel()
            done.acquire(True, 1)
            raise
        return future.result()


class Looped:
    """Calls of an `async def` handler, all on the event loop of the main thread."""

    def __init__(self, channel, function):
        from asyncio import current_task

        self.channel = channel
        self.function = function
        self.output = function.output
        self.current_task = current_task
        self.loop = main_loop()
        self.main = get_ident()
        self.tasks = {}
        self.cancelled = set()
        signal(SIGUSR1, self.on_break)

    def serve(self):
        start_new_thread(self.receive, ())
        while True:
            try:
                self.loop.run_forever()
            except BaseException:  # a background task has ended with SystemExit: not ours
                pass

    def receive(self):
        while True:
            request = self.channel.receive()
            if "cancel" in request:
                name = request["cancel"]
                self.loop.call_soon_threadsafe(self.cancel, name)
                start_new_thread(self.break_in, (name,))
            else:
                self.loop.call_soon_threadsafe(self.begin, request)

    def begin(self, request):
        function, name = self.function, request["id"]
        if function.failure is not None:
            return self.channel.send(failed(request, function.failure, function.written))
        sink = Sink(name)
        CURRENT.set(sink)
        task = self.tasks[name] = self.loop.create_task(self.run(request))
        task.add_done_callback(lambda task: self.end(task, request, sink))

    async def run(self, request):
        function = self.function
        try:
            result = await function.handler(request["params"], function.context(request))
            if not self.output.forked:
                return succeeded(request, encode(result))
            error = None
        except Exception as thrown:
            error = thrown
        except (SystemExit, KeyboardInterrupt) as thrown:  # which would end the loop
            error = thrown
        if self.output.forked:
            function.leave_child(error)
        return failed(request, describe(error))

    def end(self, task, request, sink):
        name = request["id"]
        del self.tasks[name]
        stopped = name in self.cancelled
        self.cancelled.discard(name)
        error = None if task.cancelled() else task.exception()
        if not task.cancelled() and error is None:
            reply = task.result()
        elif stopped:
            reply = failed(request, INTERRUPTED)
        elif error is None:
            reply = failed(request, ("CancelledError", "The coroutine was cancelled", ""))
        else:
            reply = failed(request, describe(error))
        CURRENT.set(None)
        self.output.flush_bound()
        with self.channel.lock:
            self.output.complete(sink)
            self.channel.put(reply)

    def cancel(self, name):
        task = self.tasks.get(name)
        if task is not None:
            self.cancelled.add(name)
            task.cancel()

    def break_in(self, name):
        """Ends a coroutine that does not give way, which no cancelling reaches."""
        sleep(YIELD_S)
        for _ in range(BREAK_INS):
            task = self.tasks.get(name)
            if task is None or self.current_task(self.loop) is not task:
                return
            self.cancelled.add(name)
            pthread_kill(self.main, SIGUSR1)
            sleep(0.01)

    def on_break(self, _number, _frame):
        task = self.current_task(self.loop)
        if task is None or self.channel.lock._is_owned():
            return
        if any(self.tasks.get(name) is task for name in self.cancelled):
            raise Interrupted()


# Started ahead -------------------------------------------------------------------------------


def import_common():
    """Imports what functions import most. Gives the top-level names of all that came with it."""
    before = set(sys.modules)
    for name in COMMON_MODULES.split():
        try:
            __import__(name)
        except ImportError:  # a stripped-down image; whoever needs it will tell
            pass
    return {name.partition(".")[0] for name in set(sys.modules) - before}


def forget_shadowed(names):
    """A function's own modules go before those of the standard library, as in any other start."""
    own = names & {entry.partition(".")[0] for entry in os.listdir(CODE_FOLDER)}
    for name in [name for name in sys.modules if name.partition(".")[0] in own]:
        del sys.modules[name]


def become(channel, imported):
    """Waits for the function, and takes on what other executors are started with."""
    request = channel.receive()
    os.environ.update(request["load"]["env"])
    forget_shadowed(imported)
    channel.send('{"id":%s,"ok":true,"result":"null","output":""}' % quote(request["id"]))


def main():
    environ = os.environ
    generic = sys.argv[1:] == ["generic"]
    del sys.argv[1:]
    # Where the script lies is not where the function's modules lie.
    del sys.path[0]
    inherit_output()
    imported = import_common() if generic else None
    channel = Channel(environ.pop("SERVERLEDGE_SOCKET"), environ.pop("SERVERLEDGE_TOKEN"))
    if generic:
        become(channel, imported)
    sys.path.insert(0, CODE_FOLDER)
    handler = environ.get("SERVERLEDGE_HANDLER", "")
    limit = int(environ.get("SERVERLEDGE_CONCURRENCY", "1"))
    output = Output(channel)
    function = Function(output)
    if limit == 1:
        os.write = output.write_number
        mark_spawns(output)
        executor = Serial(channel, function)
        function.load(handler)
    else:
        # Takes the thread that imports it for the main one.
        import threading  # noqa: F401

        function.load(handler)
        executor = Looped(channel, function) if function.is_async else Threaded(channel, function, limit)
    Context.invoker = Invoker(channel, executor)
    executor.serve()


if __name__ == "__main__":  # and not where multiprocessing imports it in a process that it spawned
    main()
