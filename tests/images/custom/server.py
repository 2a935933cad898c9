"""A custom image's server with the quirks of the Go project's executors: HTTP/1.0, no
Content-Length, drops connections whose request has not all five keys or is chunked, leaves out
Output. The environment variable CASE says what its function does."""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

CASE = os.environ.get("CASE", "echo")
KEYS = {"Command", "Params", "Handler", "HandlerDir", "ReturnOutput"}
connections = 0


class Executor(BaseHTTPRequestHandler):
    def do_POST(self):
        global connections
        if "Content-Length" not in self.headers or self.path != "/invoke":
            return self.drop()
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if set(request) != KEYS or request["Handler"] or request["HandlerDir"] or request["Command"]:
            return self.drop()
        connections += 1
        print("call", connections, flush=True)
        self.respond(request)

    def respond(self, request):
        params = request["Params"]
        output = {"Output": "said %s\n" % CASE} if request["ReturnOutput"] or CASE == "fail" else {}
        if CASE == "echo" or CASE == "large":
            self.answer(200, {"Success": True, "Result": json.dumps(params), **output})
        elif CASE == "write":
            self.answer(200, {"Success": True, "Result": json.dumps(write(**params))})
        elif CASE == "interfaces":
            self.answer(200, {"Success": True, "Result": json.dumps(os.listdir("/sys/class/net"))})
        elif CASE == "count":
            self.answer(200, {"Success": True, "Result": str(connections)})
        elif CASE == "nothing":
            self.answer(200, {"Success": True})
        elif CASE == "fail":
            self.answer(200, {"Success": False, "Error": "bad value", **output})
        elif CASE == "status":
            self.answer(500, {"Success": False, "Output": "said status"})
        elif CASE == "garbage":
            self.answer(200, "this is not the protocol")
        elif CASE == "drop":
            self.drop()
        elif CASE == "cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Succ")
        elif CASE == "keep":
            body = json.dumps({"Success": True, "Result": '"kept"'}).encode()
            self.protocol_version = "HTTP/1.1"
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(body), 10):
                part = body[at : at + 10]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        elif CASE == "files":
            found = sorted(os.listdir("/app")) if os.path.isdir("/app") else None
            self.answer(200, {"Success": True, "Result": json.dumps(found)})
        elif CASE == "crash":
            os._exit(3)
        elif CASE == "greedy":
            kept = []
            while True:
                kept.append(b"x" * (1 << 20))
        elif CASE == "sleepy":
            time.sleep(600)
        elif CASE == "spin":
            while True:
                pass
        elif CASE == "reach":
            sys.path.insert(0, "/app")
            from reach import reach

            self.answer(200, {"Success": True, "Result": json.dumps(reach(params))})
        elif CASE == "outside":
            self.answer(200, {"Success": True, "Result": json.dumps(outside(params["host"], params.get("port", 8080)))})

    def answer(self, status, reply):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        text = reply if isinstance(reply, str) else json.dumps(reply)
        self.wfile.write(text.encode())

    def drop(self):
        self.close_connection = True
        self.connection.close()

    def log_message(self, text, *arguments):
        sys.stderr.write("request: %s\n" % (text % arguments))


def write(path, mib):
    """Writes a file of that size."""
    try:
        with open(path, "wb") as file:
            for _ in range(mib):
                file.write(b"x" * (1 << 20))
        return "written"
    except OSError as error:
        return type(error).__name__ + " " + str(error.errno)


def outside(host, port):
    """Whether a host can be reached on a port."""
    import socket

    try:
        socket.create_connection((host, port), timeout=1).close()
        return "connected"
    except OSError as error:
        return type(error).__name__


print("starting", CASE, flush=True)
if CASE == "late":
    time.sleep(0.3)
    CASE = "echo"
if CASE == "failing":
    sys.exit(7)
if CASE == "deaf":
    time.sleep(600)
server = ThreadingHTTPServer if CASE == "sleepy" else HTTPServer
server(("", 8080), Executor).serve_forever()
