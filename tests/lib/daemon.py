"""An fsd of its own for a test that kills it: made in a folder, started on a free port, ended by its process, or with it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time

import tied
from s3 import S3
from sync import Sync


class Lost(Exception):
    """Something that was acknowledged is not there, or not as it was."""


class Daemon:
    def __init__(self, build, data, log, config):
        self.build, self.data, self.log = os.path.abspath(build), data, log
        self.config = os.path.join(os.path.dirname(log), "fsd.yaml")
        self.process = None
        self.port = 0
        with open(self.config, "w") as f:
            f.write(config)
        out = subprocess.run([self.build + "/fsctl", "--data", data, "--json", "init"], stdout=subprocess.PIPE, check=True)
        keys = json.loads(out.stdout)
        self.key_id, self.secret, self.token = keys["accessKeyId"], keys["secretAccessKey"], keys["token"]

    def client(self, timeout=60, key=None):
        key_id, secret = key or (self.key_id, self.secret)
        return S3("127.0.0.1", self.port, key_id, secret, timeout)

    def sync(self, token=None, **options):
        return Sync("127.0.0.1", self.port, token or self.token, **options)

    def start(self):
        """On the port of the last time, where it can be had, so that clients go on."""
        for _ in range(3):
            if self.start_once():
                return
        raise Lost("fsd finds no free port")

    def start_once(self):
        """False: somebody else took the port before fsd did."""
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", self.port))
            except OSError:
                s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        with open(self.log, "ab") as log, tied.undisturbed():
            said = log.tell()
            self.process = subprocess.Popen(
                [self.build + "/fsd", "--data", self.data, "--config", self.config, "--listen",
                 "127.0.0.1:%d" % self.port], stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=tied.tie)
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if self.process.poll() is not None:
                with open(self.log, "rb") as log:
                    log.seek(said)
                    if b"already in use" in log.read().lower():
                        return False
                raise Lost("fsd does not start again: exit code %d" % self.process.returncode)
            try:
                c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                c.request("GET", "/readyz")
                if c.getresponse().status == 200 and self.process.poll() is None:
                    return True
            except OSError:
                pass
            time.sleep(0.02)
        raise Lost("fsd does not become ready")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Lost("fsd does not end on SIGTERM")

    def fsctl(self, *args):
        return subprocess.run([self.build + "/fsctl", "--data", self.data, *args], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300)

    def admin(self, *args):
        """The JSON that a verb prints."""
        out = self.fsctl("--json", *args)
        if out.returncode:
            raise Lost("fsctl %s: exit code %d: %s" % (" ".join(args), out.returncode, out.stdout[-500:].decode()))
        return json.loads(out.stdout) if out.stdout.strip() else None
