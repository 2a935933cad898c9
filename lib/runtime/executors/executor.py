"""The program that runs in containers of Python functions, Python 3.8 or newer.

It connects to the node's unix socket, says hello, loads the handler and answers calls. Frames are
a 4-byte big-endian length and JSON in UTF-8 (lib/runtime/frames.ts).

Only C modules are imported before the first call: official slim images carry no compiled standard
library and the root is read-only, so each pure-Python import is compiled again at every start
(`import json` alone costs 40 ms).

With the argument `generic` it is started ahead, for no function yet: it imports what functions
import most, says hello, and learns its function from the first frame.
"""

import os
import sys
from _contextvars import ContextVar
from _signal import ITIMER_REAL, SIGALRM, SIGUSR1, getsignal, setitimer, signal
from _socket import AF_UNIX, MSG_DONTWAIT, SOCK_STREAM, socket
from _thread import allocate_lock, start_new_thread
from binascii import b2a_base64
from io import RawIOBase, TextIOBase
from select import POLLIN, poll
from time import monotonic, sleep, time

MAX_FRAME = 64 << 20
MAX_OUTPUT = 1 << 20
OUTPUT_CUT = "\n[output cut here: it is longer than 1 MiB]\n"
# The node interrupts at the deadline too and answers first; this timer is for blocking calls.
DEADLINE_SLACK_S = 0.005
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
    """What one call has written, or the load, at most MAX_OUTPUT characters."""

    __slots__ = ("parts", "room", "logged")

    def __init__(self, logged=False):
        self.parts = []
        self.room = MAX_OUTPUT
        # True if it goes to the container's log, too.
        self.logged = logged

    def write(self, text):
        if self.room < 0:
            return
        if len(text) > self.room:
            text = text[: self.room] + OUTPUT_CUT
            self.room = -1
        else:
            self.room -= len(text)
        self.parts.append(text)

    def close(self):
        """What is still written goes to the log only."""
        self.parts = []
        self.room = -1
        self.logged = True


class OneSink:
    """Where output goes when calls run one at a time."""

    def __init__(self):
        self.value = None

    def get(self):
        return self.value

    def set(self, sink):
        self.value = sink


class CapturedBytes(RawIOBase):
    """Stands in for sys.stdout.buffer."""

    def __init__(self, text):
        self.text = text

    def writable(self):
        return True

    def fileno(self):
        return self.text.fileno()

    def write(self, data):
        data = bytes(data)
        self.text.write(data.decode("utf-8", "replace"))
        return len(data)


class Captured(TextIOBase):
    """Stands in for sys.stdout and sys.stderr: the call's sink, or the container's log."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, real, current):
        self.real = real
        self.current = current
        self.buffer = CapturedBytes(self)

    def writable(self):
        return True

    def fileno(self):
        return self.real.fileno()

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not %s" % type(text).__name__)
        sink = self.current.get()
        if sink is None or sink.logged:
            self.real.write(text)
            self.real.flush()
        if sink is not None:
            sink.write(text)
        return len(text)


# The channel ---------------------------------------------------------------------------------


class Channel:
    """Frames over the node's socket. Its descriptor is closed in child processes (PEP 446)."""

    def __init__(self, path, token):
        self.socket = socket(AF_UNIX, SOCK_STREAM)
        self.socket.connect(path)
        self.lock = allocate_lock()
        self.buffer = b""
        # A thread that waits in recv() is also woken when the node has read its reply, for nothing;
        # one that waits in poll() is woken only by a call.
        readable = poll()
        readable.register(self.socket.fileno(), POLLIN)
        self.wait = readable.poll
        self.send('{"token":' + quote(token) + "}")

    def send(self, text):
        data = text.encode("ascii")
        with self.lock:
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
        self.send(failed({"id": name}, (type(error).__name__, message, ""), Sink()))
        return {"cancel": name}

    def receive(self):
        """Waits for the next frame. The process ends when the node has closed the channel."""
        while True:
            frame = self._take()
            if frame is not None:
                return frame
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

    def peek_frames(self):
        """Frames that have arrived behind the current call, without waiting; they stay queued."""
        try:
            data = self.socket.recv(1 << 20, MSG_DONTWAIT)
        except BlockingIOError:
            data = b""
        self.buffer += data
        frames, at = [], 0
        while len(self.buffer) - at >= 4:
            end = at + 4 + int.from_bytes(self.buffer[at : at + 4], "big")
            if len(self.buffer) < end:
                break
            try:
                frames.append(loads(str(self.buffer[at + 4 : end], "utf-8")))
            except Exception:  # no cancellation; it is answered when its turn comes
                pass
            at = end
        return frames


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


def failed(request, failure, sink):
    kind, message, trace = failure
    return '{"id":%s,"ok":false,"error":{"type":%s,"message":%s,"traceback":%s},"output":%s}' % (
        quote(request["id"]),
        quote(kind[:1000]),
        quote(message[:MAX_OUTPUT]),
        quote(trace[-MAX_OUTPUT:]),
        quote("".join(sink.parts)),
    )


def succeeded(request, result, sink):
    output = "".join(sink.parts) if request["output"] else ""
    reply = '{"id":%s,"ok":true,"result":%s,"output":%s}' % (
        quote(request["id"]),
        quote(result),
        quote(output),
    )
    if len(reply) > MAX_FRAME:
        return failed(
            request, ("ResultTooLarge", "The result is longer than 64 MiB of JSON", ""), sink
        )
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

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def remaining_ms(self):
        """Time until the invocation is interrupted, ms."""
        return max(0.0, self["deadline_ms"] - time() * 1000)


# The handler ---------------------------------------------------------------------------------


class Function:
    """The user's function: loaded once, called for every request."""

    def __init__(self):
        environ = os.environ
        self.facts = {
            "function_name": environ.get("SERVERLEDGE_FUNCTION", ""),
            "memory_limit_mib": int(environ.get("SERVERLEDGE_MEMORY_MIB", "0")),
            "area": environ.get("SERVERLEDGE_AREA", ""),
            "node": environ.get("SERVERLEDGE_NODE", ""),
        }
        self.handler = None
        self.failure = None
        # Logged at once: whatever ends the process meanwhile, the log tells what was written.
        self.output = Sink(logged=True)
        self.local = None

    def load(self, name, current):
        """Imports the handler; what goes wrong is the answer of every call, with what was written."""
        module, _, function = name.rpartition(".")
        current.set(self.output)
        try:
            if not module or not function:
                raise ImportError(
                    "The handler must be <module>.<function>, current value is %r" % name
                )
            __import__(module)
            self.handler = getattr(sys.modules[module], function)
            if not callable(self.handler):
                raise TypeError("The handler %s is not callable" % name)
            code = getattr(self.handler, "__code__", None)
            if code is not None and code.co_flags & CO_COROUTINE:
                # Now, so that no call's deadline pays for it.
                import asyncio  # noqa: F401
            self.output.close()
        except BaseException as error:
            self.failure = describe(error)
        finally:
            current.set(None)

    def call(self, request, started):
        """Runs the handler. `started` is told when an interruption may begin."""
        context = Context(
            self.facts,
            request_id=request["id"],
            deadline_ms=time() * 1000 + request["timeoutMs"],
        )
        started()
        result = self.handler(request["params"], context)
        if hasattr(result, "__await__"):
            result = self.wait(result)
        return result

    def wait(self, awaitable):
        """Runs an async handler on this thread's own event loop, which lives on."""
        import asyncio
        from threading import local

        if self.local is None:
            self.local = local()
        loop = getattr(self.local, "loop", None)
        if loop is None:
            loop = self.local.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
        task = asyncio.ensure_future(awaitable, loop=loop)
        try:
            return loop.run_until_complete(task)
        except Interrupted:
            # Lets the coroutine's own `finally` blocks run.
            task.cancel()
            loop.run_until_complete(asyncio.wait([task], timeout=1))
            raise


INTERRUPTED = ("Interrupted", "The function was stopped: its time was up or its caller left", "")


class Serial:
    """One call at a time, on the main thread, so that signals interrupt blocking calls too."""

    def __init__(self, channel, function):
        self.channel = channel
        self.function = function
        self.current = OneSink()
        self.running = None
        self.signalled = False
        self.deadline = FOREVER
        # When the next alarm comes. It stays set between calls, and one that comes before a call's
        # time is up is set anew, so that hardly any call has to set it.
        self.alarm = FOREVER
        self.alarm_handler = self.on_alarm
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
        if monotonic() < self.deadline:
            return self.set_alarm(self.deadline)
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
        else:
            self.stop_if_cancelled()

    def stop_if_cancelled(self):
        self.signalled = False
        for frame in self.channel.peek_frames():
            if frame.get("cancel") == self.running:
                self.running = None
                raise Interrupted()

    def run(self, request):
        function = self.function
        if function.failure is not None:
            return failed(request, function.failure, function.output)
        sink = Sink()

        def started():
            deadline = monotonic() + request["timeoutMs"] / 1000 + DEADLINE_SLACK_S
            self.deadline = deadline
            self.running = request["id"]
            if deadline < self.alarm:
                self.set_alarm(deadline)
            # The cancellation may have come before the call was begun.
            if self.signalled or self.channel.buffer:
                self.stop_if_cancelled()

        self.current.set(sink)
        try:
            try:
                result = function.call(request, started)
            finally:
                self.running = None
                if getsignal(SIGALRM) is not self.alarm_handler:
                    self.take_alarm_back()
            return succeeded(request, encode(result), sink)
        except Interrupted:
            return failed(request, INTERRUPTED, sink)
        except BaseException as error:
            return failed(request, describe(error, 2), sink)
        finally:
            self.current.set(None)


class Job:
    """One call of a threaded executor."""

    __slots__ = ("request", "thread", "cancelled", "done")

    def __init__(self, request):
        self.request = request
        self.thread = None
        self.cancelled = False
        self.done = False


def inherit_output(current):
    """Lets threads that a call starts, and what it gives to a thread pool, write to the call's output.

    Context variables are not inherited by threads (before Python 3.14), nor by what pools run.
    """
    from threading import Thread

    start = Thread.start

    def start_with_output(thread):
        sink, run = current.get(), thread.run

        def run_with_output():
            thread.__dict__.pop("run", None)  # else it would be a cycle
            current.set(sink)
            run()

        if sink is not None:
            thread.run = run_with_output
        start(thread)
        # A pool's threads outlive the call that started them. The pool's module is not imported ahead
        # for this, which takes long: it is there once a pool starts its first thread.
        pools = sys.modules.get("concurrent.futures.thread")
        if pools is not None and not hasattr(pools.ThreadPoolExecutor.submit, "plain"):
            submit_with_output(pools.ThreadPoolExecutor, current)

    Thread.start = start_with_output


def submit_with_output(Pool, current):
    plain = Pool.submit

    def submit(pool, function, /, *args, **kwargs):
        sink = current.get()

        def run(*args, **kwargs):
            current.set(sink)
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
        self.limit = limit
        self.queue = SimpleQueue()
        self.lock = allocate_lock()
        self.jobs = {}
        self.threads = 0
        self.current = ContextVar("output", default=None)
        # On the main thread: `threading`, which it imports, takes the importing one for that.
        inherit_output(self.current)

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
        from _thread import get_ident

        thread = get_ident()
        while True:
            job = self.queue.get()
            sink = Sink()
            try:
                reply = self.run(job, thread, sink)
                self.settle(job)
            except Interrupted:
                reply = failed(job.request, INTERRUPTED, sink)
                job.done = True
            sink.close()
            with self.lock:
                del self.jobs[job.request["id"]]
            self.channel.send(reply)

    def run(self, job, thread, sink):
        request, function = job.request, self.function
        if function.failure is not None:
            return failed(request, function.failure, function.output)

        def started():
            with self.lock:
                job.thread = thread
                if job.cancelled:
                    raise Interrupted()

        self.current.set(sink)
        try:
            return succeeded(request, encode(function.call(request, started)), sink)
        except Interrupted:
            raise
        except BaseException as error:
            return failed(request, describe(error, 2), sink)
        finally:
            self.current.set(None)

    def settle(self, job):
        """After this no interruption can hit the thread: one that is under way is awaited."""
        with self.lock:
            job.done = True
        end = monotonic() + 0.05
        while job.cancelled and monotonic() < end:
            sleep(0.001)


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
    imported = import_common() if generic else None
    channel = Channel(environ.pop("SERVERLEDGE_SOCKET"), environ.pop("SERVERLEDGE_TOKEN"))
    if generic:
        become(channel, imported)
    sys.path.insert(0, CODE_FOLDER)
    handler = environ.get("SERVERLEDGE_HANDLER", "")
    limit = int(environ.get("SERVERLEDGE_CONCURRENCY", "1"))
    function = Function()
    executor = Serial(channel, function) if limit == 1 else Threaded(channel, function, limit)
    sys.stdout = Captured(sys.stdout, executor.current)
    sys.stderr = Captured(sys.stderr, executor.current)
    function.load(handler, executor.current)
    executor.serve()


main()
