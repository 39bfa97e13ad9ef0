#!/usr/bin/env python3
"""Ends fsd at random moments under load and checks that nothing acknowledged is lost.

  crash.py kill      --build DIR --rounds N --seconds S   SIGKILL; the system goes on
  crash.py powercut  --build DIR --rounds N --seconds S   an ext4 image on a loop device, shut down by the GOINGDOWN
                                                          ioctl without flushing anything, then mounted again

After each round: every acknowledged object is there and byte-exact, every acknowledged deletion holds, the change
feed has no gap and tells of every acknowledged change, and `fsctl check` is clean. Exit code 0: all rounds held; 1: something was lost; 2: could not run; 77: not
allowed here.
"""

import argparse
import fcntl
import hashlib
import http.client
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from daemon import Daemon, Lost  # noqa: E402

GOINGDOWN = 0x8004587D  # _IOR('X', 125, uint32_t)
NOLOGFLUSH = struct.pack("I", 2)
BUCKET = "crash"
CONFIG = "limits: {reserve_bytes: 16MiB, reserve_percent: 0}\ngc: {every: 0}\n"


def content(seed, size):
    """Bytes of a version: reproducible, not compressible."""
    return random.Random(seed).randbytes(size)


class Disk:
    """Where the store lives: a plain folder, or an image that can lose its power."""

    def __init__(self, folder, power):
        self.folder, self.power = folder, power
        self.point = os.path.join(folder, "mnt") if power else folder
        self.image = os.path.join(folder, "disk.img")

    def make(self):
        if not self.power:
            return
        with open(self.image, "wb") as f:
            f.truncate(2 << 30)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)
        os.makedirs(self.point)
        if subprocess.run(["mount", "-o", "loop", self.image, self.point]).returncode:
            print("# loop mounts are not allowed here")
            sys.exit(77)

    def cut(self):
        fd = os.open(self.point, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, GOINGDOWN, NOLOGFLUSH)
        finally:
            os.close(fd)

    def back(self):
        subprocess.run(["umount", self.point], check=True)
        subprocess.run(["mount", "-o", "loop", self.image, self.point], check=True)

    def remove(self):
        if self.power:
            subprocess.run(["umount", self.point], stderr=subprocess.DEVNULL)


class Writer(threading.Thread):
    """Puts, overwrites and deletes keys of its own. known: key -> (seed, size) or None, as acknowledged.
    open: the one operation whose reply never came, as key -> possible outcome. acknowledged: how many operations were
    answered that changed something; deleting what is not there is answered too, and is no change."""

    def __init__(self, daemon, number, rng, stop):
        super().__init__(daemon=True)
        self.s3, self.number, self.rng, self.stop = daemon.client(), number, rng, stop
        self.known, self.open, self.acknowledged, self.refused = {}, {}, 0, []

    def step(self):
        rng = self.rng
        roll = rng.random()
        key = "w%02d/d%d/k%d" % (self.number, rng.randrange(4), rng.randrange(60))
        if roll < 0.15 and self.known:
            key = rng.choice(sorted(self.known))
            self.open[key] = None
            status, _, body = self.s3.request("DELETE", "/%s/%s" % (BUCKET, key))
        elif roll < 0.20:
            seed, size = rng.getrandbits(60), (5 << 20) + rng.randrange(1 << 20)
            self.open[key] = (seed, size)
            status, body = self.multipart(key, content(seed, size))
        else:
            seed = rng.getrandbits(60)
            size = rng.choice([0, 10, 4096, 4096, 4096, 70000, 300000, 1500000])
            self.open[key] = (seed, size)
            status, _, body = self.s3.request("PUT", "/%s/%s" % (BUCKET, key), body=content(seed, size))
        if status not in (200, 204):
            self.refused.append((status, body[:300]))
            del self.open[key]
            return
        value = self.open.pop(key)
        if value or self.known.get(key):
            self.acknowledged += 1
        self.known[key] = value

    def multipart(self, key, data):
        path = "/%s/%s" % (BUCKET, key)
        status, _, body = self.s3.request("POST", path, {"uploads": ""})
        if status != 200:
            return status, body
        upload = body.decode().split("<UploadId>")[1].split("<")[0]
        parts = ""
        for i, piece in enumerate((data[:5 << 20], data[5 << 20:]), 1):
            status, head, body = self.s3.request("PUT", path, {"partNumber": str(i), "uploadId": upload}, body=piece)
            if status != 200:
                return status, body
            parts += "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>" % (i, head["etag"])
        status, _, body = self.s3.request("POST", path, {"uploadId": upload},
                                          body="<CompleteMultipartUpload>%s</CompleteMultipartUpload>" % parts)
        return status, body

    def run(self):
        while not self.stop.is_set():
            try:
                self.step()
            except (OSError, http.client.HTTPException):
                return  # the power is gone: self.open tells what was under way
        self.s3.close()


def wanted(value):
    return "deleted" if value is None else "%d bytes" % value[1]


def verify_objects(daemon, state):
    """state: key -> list of acceptable values. Settles each key on what is there."""
    s3 = daemon.client()
    for key, values in sorted(state.items()):
        try:
            status, _, body = s3.request("GET", "/%s/%s" % (BUCKET, key))
        except http.client.HTTPException as e:
            raise Lost("%s: acknowledged (%s) and can't be read: %r" % (key, wanted(values[0]), e))
        found = None
        if status == 200:
            for value in values:
                if value and len(body) == value[1] and content(*value) == body:
                    found = value
                    break
            else:
                raise Lost("%s: %d bytes (MD5 %s) that were never acknowledged; wanted %s" % (
                    key, len(body), hashlib.md5(body).hexdigest(), " or ".join(map(wanted, values))))
        elif status != 404:
            raise Lost("%s: status %d: %s" % (key, status, body[:300]))
        elif None not in values:
            raise Lost("%s: acknowledged (%s) and not there" % (key, wanted(values[0])))
        state[key] = [found]
    s3.close()


def verify_feed(daemon, acknowledged, state):
    """The feed has no gap, tells of every acknowledged change, and its last word on each key is what is there."""
    out = daemon.fsctl("--json", "changes", BUCKET)
    if out.returncode:
        raise Lost("fsctl changes: exit code %d: %s" % (out.returncode, out.stdout[-500:].decode()))
    events = [json.loads(line) for line in out.stdout.splitlines() if line.strip()]
    sequences = [e["sequence"] for e in events]
    for i, sequence in enumerate(sequences):
        if sequence != sequences[0] + i:
            raise Lost("the feed has a gap: %d follows %d" % (sequence, sequences[i - 1]))
    if sequences and sequences[0] != 1:
        raise Lost("the feed begins at %d" % sequences[0])
    files = [e for e in events if e["eventType"].startswith("FILE_")]
    if len(files) < acknowledged:
        raise Lost("%d changes acknowledged, %d in the feed" % (acknowledged, len(files)))
    last = {e["path"]: e["eventType"] for e in files}
    for key, (value,) in state.items():
        if (last.get(key, "FILE_DELETED") == "FILE_DELETED") != (value is None):
            raise Lost("%s: is %s, and the feed ends with %s" % (key, wanted(value), last.get(key)))


def verify_check(daemon):
    out = daemon.fsctl("check")
    if out.returncode:
        raise Lost("fsctl check: exit code %d: %s" % (out.returncode, out.stdout[-2000:].decode()))


def run_round(daemon, disk, args, rng, state):
    stop = threading.Event()
    writers = [Writer(daemon, n, random.Random(rng.getrandbits(60)), stop) for n in range(args.writers)]
    for w in writers:
        w.known = {k: v[0] for k, v in state.items() if k.startswith("w%02d/" % w.number)}
        w.start()
    time.sleep(args.seconds * (0.3 + 0.7 * rng.random()))
    if disk.power:
        disk.cut()
    daemon.kill()
    stop.set()
    for w in writers:
        w.join(90)
        if w.refused and not disk.power:
            raise Lost("refused under load: %s" % (w.refused[0],))
    if disk.power:
        disk.back()
    state.clear()
    for w in writers:
        for key, value in w.known.items():
            state[key] = [value]
        for key, value in w.open.items():
            state.setdefault(key, [None]).append(value)
    return sum(w.acknowledged for w in writers)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("mode", choices=["kill", "powercut"])
    p.add_argument("--build", required=True)
    p.add_argument("--rounds", type=int, default=4)
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--writers", type=int, default=12)
    p.add_argument("--seed", type=int, default=None)
    args = p.parse_args()
    seed = args.seed if args.seed is not None else random.SystemRandom().getrandbits(32)
    print("# seed %d" % seed)
    rng = random.Random(seed)
    if args.mode == "powercut" and os.geteuid():
        print("# not root: no loop mounts")
        return 77
    folder = tempfile.mkdtemp(prefix="fsd-crash-")
    disk = Disk(folder, args.mode == "powercut")
    daemon = None
    try:
        disk.make()
        daemon = Daemon(args.build, os.path.join(disk.point, "store"), os.path.join(folder, "fsd.log"),
                        CONFIG)
        daemon.start()
        status, _, body = daemon.client().request("PUT", "/" + BUCKET)
        if status != 200:
            raise Lost("CreateBucket: %d %s" % (status, body))
        state, acknowledged = {}, 0
        for number in range(1, args.rounds + 1):
            acknowledged += run_round(daemon, disk, args, rng, state)
            daemon.start()
            verify_objects(daemon, state)
            verify_feed(daemon, acknowledged, state)
            verify_check(daemon)
            print("# round %d: %d acknowledged in all, %d keys as they were" % (number, acknowledged, len(state)))
            sys.stdout.flush()
        daemon.stop()
        return 0
    except Lost as e:
        print("lost: %s" % e)
        if os.path.exists(os.path.join(folder, "fsd.log")):
            with open(os.path.join(folder, "fsd.log"), errors="replace") as f:
                print("".join("# log: " + line for line in f.readlines()[-15:] if '" 200' not in line))
        return 1
    finally:
        if daemon and daemon.running():
            daemon.kill()
        disk.remove()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
