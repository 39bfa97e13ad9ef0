#!/usr/bin/env python3
"""A stand-in for fsd that answers what a test wants, for what a real one seldom says. It takes fsd's options as far as fsctl
gives them, and --port-file F to listen on loopback.

DIR/answers.json: {"METHOD PATH": [STATUS, BODY]} by the path without its query; BODY is JSON, or text that is sent as it is. A list of
such pairs is answered one after the other, the last one again and again. "DELETE PATH" of a job makes "stopped PATH" its answer.
DIR/hold: "METHOD PATH": such a request is answered when that file is gone.
DIR/refuse: "CODE TEXT": ends with that code instead of serving. DIR/slow: seconds that --check takes. DIR/requests.log: a line a request.
DIR/fake.pid: who serves the socket. It ends a minute after its last request, or with a signal.
"""
import fcntl
import http.server
import json
import os
import socketserver
import sys
import threading
import time

args = sys.argv[1:]


def option(name):
    return args[args.index(name) + 1] if name in args else None


data = option("--data")
last = time.monotonic()
seen = {}


def held():
    try:
        with open(os.path.join(data, "hold")) as f:
            return f.read().strip()
    except FileNotFoundError:
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "client"

    def log_message(self, *_):
        pass

    def answer(self):
        global last
        last = time.monotonic()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        with open(os.path.join(data, "requests.log"), "a") as f:
            f.write("%s %s %s %s\n" % (self.command, self.path, self.headers.get("Authorization", "-"), body.decode(errors="replace")))
        with open(os.path.join(data, "answers.json")) as f:
            answers = json.load(f)
        while held() == "%s %s" % (self.command, path):
            time.sleep(0.05)
            last = time.monotonic()
        if self.command == "DELETE" and "/jobs/" in path:
            seen["stopped " + path] = True
        key = "%s %s" % (self.command, path)
        if "stopped " + path in seen and self.command == "GET":
            key = "stopped " + path
        found = answers.get(key, [404, {"error": {"code": "not_found", "message": "nothing at " + key, "requestId": "r1"}}])
        if isinstance(found[0], list):
            n = seen.get(key, 0)
            seen[key] = n + 1
            found = found[min(n, len(found) - 1)]
        status, reply = found
        if isinstance(reply, dict) and reply.get("state") == "running":
            time.sleep(0.2)
        payload = b"" if reply is None else (reply if isinstance(reply, str) else json.dumps(reply)).encode()
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class TcpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while time.monotonic() - last < 60:
        time.sleep(0.1)


def main():
    if "--init" in args:
        if os.path.exists(os.path.join(data, "VERSION")):
            sys.stderr.write("there is a store already\n")
            return 1
        os.makedirs(data, exist_ok=True)
        open(os.path.join(data, "VERSION"), "w").write("fsd store 1\n")
        print(json.dumps({"accessKeyId": "AKTEST", "secretAccessKey": "SECRET", "token": "TOKEN", "dataDir": os.path.realpath(data)}))
        return 0
    refuse = os.path.join(data, "refuse")
    if "--check" in args:
        slow = os.path.join(data, "slow")
        time.sleep(float(open(slow).read()) if os.path.exists(slow) else 0)
        report = {"problems": ["the store is damaged"], "report": {"problems": 1, "chunks": 7, "bytes": 512}}
        print("the store is damaged" if "--json" not in args else json.dumps(report))
        return 4
    if option("--port-file"):
        server = TcpServer(("127.0.0.1", 0), Handler)
        with open(option("--port-file") + ".new", "w") as f:
            f.write("%d\n" % server.server_address[1])
        os.rename(option("--port-file") + ".new", option("--port-file"))
        serve(server)
        return 0
    if os.path.exists(refuse):
        code, _, text = open(refuse).read().partition(" ")
        sys.stderr.write(text)
        return int(code)
    lock = open(os.path.join(data, "LOCK"), "a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 11
    os.chdir(data)
    if os.path.exists("fsd.sock"):
        os.unlink("fsd.sock")
    server = UnixServer("fsd.sock", Handler)
    with open("fake.pid", "w") as f:
        f.write("%d\n" % os.getpid())
    if option("--ready-fd"):
        os.write(int(option("--ready-fd")), b"ready\n")
        os.close(int(option("--ready-fd")))
    serve(server)
    return 0


sys.exit(main())
