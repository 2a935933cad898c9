"""A function in an image of its own: a server of the executor protocol on port 8080.

A node POSTs {"Params": {...}, "ReturnOutput": bool, ...} to /invoke; the answer is
{"Success": bool, "Result": JSON text, "Output": text}.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def run(params):
    words = str((params or {}).get("text", "")).split()
    return {"words": len(words), "longest": max(words, key=len, default="")}


class Executor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            reply = {"Success": True, "Result": json.dumps(run(call["Params"])), "Output": ""}
        except Exception as error:
            reply = {"Success": False, "Result": "", "Output": str(error)}
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass  # one line a request would fill the container's log


ThreadingHTTPServer(("", 8080), Executor).serve_forever()
