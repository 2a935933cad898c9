"""Functions of the environment's contract suite, in Python."""

import os
import sys
import time

calls = 0


def echo(params, context):
    return params


def fail(params, context):
    print("before the failure")
    raise ValueError("bad value")


def crash(params, context):
    os._exit(3)


def greedy(params, context):
    kept = []
    while True:
        kept.append(b"x" * (1 << 20))


def sleepy(params, context):
    try:
        print("asleep")
        time.sleep(600)
    finally:
        print("cleaned up")


def nap(params, context):
    """Sleeps; may leave an alarm of its own behind."""
    if "alarm" in params:
        import signal

        signal.signal(signal.SIGALRM, lambda number, frame: os._exit(5))
        signal.setitimer(signal.ITIMER_REAL, params["alarm"] / 1000)
    time.sleep(params["ms"] / 1000)
    return "rested"


def spin(params, context):
    while True:
        pass


def noisy(params, context):
    for _ in range(20):
        print(params["word"])
        time.sleep(0.005)
    return params["word"]


def threads(params, context):
    """Writes from threads of all kinds; one of them goes on after the call."""
    import asyncio
    import concurrent.futures
    import threading

    global pool, loose
    word = params["word"]

    class Own(threading.Thread):
        def run(self):
            print(word, "own")

    def outlive():
        loose.wait(20)
        sys.stdout.write(word + " late\n")

    if word == "let go":
        return loose.set()
    pool = globals().get("pool") or concurrent.futures.ThreadPoolExecutor(2)
    loose = globals().get("loose") or threading.Event()
    threading.Thread(target=outlive, daemon=True).start()
    # Each ends before the next begins, so that the order is known.
    for thread in (threading.Thread(target=print, args=(word, "plain")), Own(daemon=True)):
        thread.start()
        thread.join()
    with concurrent.futures.ThreadPoolExecutor() as fresh:
        fresh.submit(print, word, "fresh pool").result()
    pool.submit(print, word, "kept pool").result()

    async def through_loop():
        await asyncio.get_running_loop().run_in_executor(None, print, word, "loop")

    asyncio.run(through_loop())
    return word


def chatty(params, context):
    for _ in range(3):
        sys.stdout.write("x" * (1 << 20))
    raise ValueError("too much said")


def large(params, context):
    return {"length": len(params["text"]), "text": params["text"]}


def unserializable(params, context):
    return {"value": object()}


def infinite(params, context):
    return {"value": float("inf")}


class Spiteful(type):
    @property
    def __name__(cls):
        raise SystemExit(5)


class Hostile(Exception, metaclass=Spiteful):
    """Cannot be shown: whatever is asked of it ends the asker."""

    def leave(self, *_):
        raise SystemExit(6)

    __str__ = __repr__ = leave
    __traceback__ = __cause__ = property(leave)


class Own(str):
    """Text of a class of its own."""

    def __getitem__(self, key):
        raise SystemExit(7)


class HostileText(Exception):
    def __str__(self):
        return Own("own text")


def hostile(params, context):
    raise globals()[params["name"]]()


def nested(params, context):
    result = []
    for _ in range(200_000):
        result = [result]
    return result


def binary(params, context):
    return bytes([0, 255, 128])


def http(params, context):
    return {"statusCode": 201, "body": bytearray([0, 255])}


def count(params, context):
    global calls
    calls += 1
    return calls


def facts(params, context):
    return {
        "function": context["function_name"],
        "request": context.request_id,
        "deadline": context.deadline_ms - time.time() * 1000,
        "remaining": context.remaining_ms(),
        "memory": context["memory_limit_mib"],
        "area": context["area"],
        "node": context["node"],
        "env": os.environ.get("GREETING"),
        "secret": [name for name in os.environ if "TOKEN" in name],
    }


def stray(params, context):
    os.write(1, b"\x00\x00\x00\x05hello on descriptor 1\n")
    os.system("echo from a child process")
    return "fine"


def leave(params, context):
    sys.exit(4)


async def later(params, context):
    import asyncio

    await asyncio.sleep(0.001)
    print("later")
    return "later"


async def later_sleepy(params, context):
    import asyncio

    try:
        await asyncio.sleep(600)
    finally:
        print("cleaned up")


def stubborn(params, context):
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass


def meet(params, context):
    """Returns once as many calls as asked for run at the same time."""
    global calls
    calls += 1
    end = time.monotonic() + 20
    while calls < params["count"]:
        if time.monotonic() > end:
            return "alone"
        time.sleep(0.002)
    return "met"


def locks(params, context):
    """What an instance can do and see."""
    facts = {"uid": os.getuid(), "gid": os.getgid()}
    with open("/proc/self/status") as status:
        facts["status"] = dict(line.strip().split(":\t", 1) for line in status if ":\t" in line)
    with open("/proc/net/dev") as devices:
        facts["interfaces"] = [line.split(":")[0].strip() for line in devices if ":" in line]
    facts["writable"] = [path for path in ("/", "/app", "/serverledge", "/etc", "/tmp") if writable(path)]
    return facts


def writable(path):
    try:
        with open(os.path.join(path, "probe"), "w") as probe:
            probe.write("x")
        return True
    except OSError:
        return False


def fork_bomb(params, context):
    """How many processes can be made."""
    made = 0
    children = []
    try:
        while made < 2000:
            pid = os.fork()
            if pid == 0:
                time.sleep(600)
                os._exit(0)
            children.append(pid)
            made += 1
    except OSError:
        pass
    for pid in children:
        os.kill(pid, 9)
    return made


def listen(params, context):
    """Serves one connection on the given loopback port, or tries to connect to it."""
    import socket

    if params["serve"]:
        global server
        server = socket.create_server(("127.0.0.1", params["port"]))
        return "listening"
    try:
        socket.create_connection(("127.0.0.1", params["port"]), timeout=1).close()
        return "connected"
    except OSError as error:
        return type(error).__name__


def orphan(params, context):
    """Leaves an orphan: the child of sh outlives it."""
    if os.system('sh -c "sleep 0.02 &"') != 0:
        raise RuntimeError("cannot start a process")


def system_calls(params, context):
    """What the kernel says to calls that containers may or may not make."""
    import ctypes
    import platform
    import socket
    import threading

    libc = ctypes.CDLL(None, use_errno=True)
    numbers = {"x86_64": {"keyctl": 250, "unshare": 272, "bpf": 321, "userfaultfd": 323,
                          "perf_event_open": 298, "clone3": 435, "io_uring_setup": 425},
               "aarch64": {"keyctl": 219, "unshare": 97, "bpf": 280, "userfaultfd": 282,
                           "perf_event_open": 241, "clone3": 435, "io_uring_setup": 425}}
    said = {}
    for name, number in numbers[platform.machine()].items():
        libc.syscall(number, 0, 0, 0, 0, 0)
        said[name] = ctypes.get_errno()
    for name, family in (("vsock", 40), ("alg", 38), ("packet", 17), ("bluetooth", 31)):
        try:
            socket.socket(family, socket.SOCK_STREAM).close()
            said[name] = 0
        except OSError as error:
            said[name] = error.errno
    for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_NETLINK):
        socket.socket(family, socket.SOCK_DGRAM).close()
    threads = [threading.Thread(target=os.getpid) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def user(params, context):
    """The name of the user that runs this, as the image and as the environment tell it."""
    import getpass
    import pwd

    return [pwd.getpwuid(os.getuid()).pw_name, getpass.getuser()]


def flood(params, context):
    """Connects to the node's socket as often as it can. How often that was taken."""
    import socket

    taken = 0
    for _ in range(params["count"]):
        try:
            stranger = socket.socket(socket.AF_UNIX)
            stranger.connect("/serverledge/node.sock")
            stranger.sendall((64 << 20).to_bytes(4, "big"))
            taken += 1
        except OSError:
            pass
    return taken


def sockets(params, context):
    """What the folder has that the container shares with the node."""
    return sorted(os.listdir("/serverledge"))


def invokes(params, context):
    """Invokes `params["name"]`; tells its result, or the code of its error."""
    try:
        return {"result": context.invoke(params["name"], params.get("params"))}
    except context.InvocationError as error:
        return {"code": error.code, "message": str(error)}


async def invokes_both(params, context):
    """Invokes two functions at once."""
    import asyncio

    return await asyncio.gather(*(context.invoke(name, {"n": 1}) for name in params["names"]))


late = None


def invokes_late(params, context):
    """Leaves a thread behind that invokes a function after its call; the next call tells what came of it."""
    global late
    import threading

    if late is not None:
        late.join()
        return late.found

    def run():
        time.sleep(0.2)
        try:
            late.found = context.invoke("other")
        except context.InvocationError as error:
            late.found = error.code

    late = threading.Thread(target=run)
    late.start()
    return None
