#!/usr/bin/env python3
"""Measures fsd against the figures that it has to reach; README.md says how.

Prints a table and writes build/bench.json. Starts fsd, nginx and build/bench/load by itself, all on the loopback,
in a folder of its own on the disk that holds build/, and ends only what it started.
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from sync_rows import Failed, SyncRows

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TICK = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20
LARGE = 64 * MIB
MARKER = ".fsd-bench"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def text_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


class Program:
    """A process of ours; ended by its pid."""

    def __init__(self, argv, log):
        self.log = log
        with open(log, "ab") as out:
            self.proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    @property
    def pid(self):
        return self.proc.pid

    def end(self, sig=signal.SIGTERM, wait=60):
        if self.proc.poll() is None:
            self.proc.send_signal(sig)
            try:
                self.proc.wait(wait)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait(30)

    def pids(self):
        """Itself and its children (nginx's worker)."""
        kids = text_of(f"/proc/{self.pid}/task/{self.pid}/children").split()
        return [self.pid] + [int(k) for k in kids]

    def cpu(self):
        """Seconds of user and system time, all threads."""
        total = 0
        for pid in self.pids():
            fields = text_of(f"/proc/{pid}/stat").rpartition(")")[2].split()
            if fields:
                total += int(fields[11]) + int(fields[12])
        return total / TICK

    def rss_anon(self):
        """Bytes of anonymous memory."""
        for line in text_of(f"/proc/{self.pid}/status").splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
        return 0


class Bench(SyncRows):
    def __init__(self, args):
        self.a = args
        self.dir = os.path.abspath(args.data)
        self.store = os.path.join(self.dir, "store")
        self.fsd = self.nginx = None
        self.figures = []   # what the table shows
        self.runs = []      # what the load generator said
        self.loaded = False
        self.large = False
        self.env = dict(os.environ)

    # The programs

    def prepare(self):
        if os.path.exists(self.dir):
            if not os.path.exists(os.path.join(self.dir, MARKER)):
                raise Failed(f"{self.dir} exists and is not the bench's own: choose another with DATA=")
            shutil.rmtree(self.dir)
        os.makedirs(self.dir)
        open(os.path.join(self.dir, MARKER), "w").close()
        want = self.a.objects * 7000 + 10 * (1 << 30)
        if shutil.disk_usage(self.dir).free < want:
            raise Failed(f"{self.dir}: less than {want >> 30} GiB free; OBJECTS= makes it smaller")
        out = subprocess.run([self.a.fsctl, "--data", self.store, "--json", "init"], capture_output=True, timeout=60)
        if out.returncode != 0:
            raise Failed("fsctl init: " + out.stderr.decode(errors="replace"))
        key = json.loads(out.stdout)
        self.token = self.env["FSD_TOKEN"] = key["token"]
        self.env["AWS_ACCESS_KEY_ID"] = key["accessKeyId"]
        self.env["AWS_SECRET_ACCESS_KEY"] = key["secretAccessKey"]

    def start(self):
        """Starts fsd and returns the seconds until it was ready."""
        self.port = free_port()
        began = time.monotonic()
        self.fsd = Program([self.a.fsd, "--data", self.store, "--listen", f"127.0.0.1:{self.port}"],
                           os.path.join(self.dir, "fsd.log"))
        self.load("wait-ready", timeout=60)
        return time.monotonic() - began

    def start_nginx(self):
        """nginx as the yardstick; False if there is none."""
        if self.nginx:
            return True
        binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if not binary:
            return False
        base = os.path.join(self.dir, "nginx")
        for i in range(10000):
            folder = os.path.join(base, "www", "small", f"d{i // 1000:06d}")
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, f"o{i:09d}"), "wb") as f:
                f.write(os.urandom(4096))
        folder = os.path.join(base, "www", "large", "d000000")
        os.makedirs(folder)
        for i in range(8):
            with open(os.path.join(folder, f"o{i:09d}"), "wb") as f:
                for _ in range(LARGE // MIB):
                    f.write(os.urandom(MIB))
        self.nginx_port = free_port()
        temps = "".join(f"{n}_temp_path {base}/{n};" for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.getuid() == 0 else ""
        with open(os.path.join(base, "nginx.conf"), "w", encoding="utf-8") as f:
            f.write(f"""{user} worker_processes 1; daemon off; pid {base}/pid; error_log {base}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    access_log {base}/access.log; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000000;
    open_file_cache max=20000;
    {temps}
    server {{ listen 127.0.0.1:{self.nginx_port}; root {base}/www; }}
}}
""")
        self.nginx = Program([binary, "-p", base, "-c", os.path.join(base, "nginx.conf"),
                              "-e", os.path.join(base, "error.log")], os.path.join(base, "out.log"))
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.nginx_port), 1):
                return True
            time.sleep(0.01)
        raise Failed("nginx does not start: " + text_of(self.nginx.log))

    def end(self):
        for program in (self.fsd, self.nginx):
            if program:
                program.end()
        if not self.a.keep and os.path.exists(os.path.join(self.dir, MARKER)):
            shutil.rmtree(self.dir, ignore_errors=True)

    def argv(self, mode, port=None, **options):
        argv = [self.a.load, "--port", str(port or self.port)]
        for name, value in options.items():
            argv.append("--" + name.replace("_", "-"))
            if value is not True:
                argv.append(str(value))
        return argv + [mode]

    def load(self, mode, program=None, may_fail=False, timeout=900, **options):
        """Runs the load generator; adds the CPU seconds that `program` (fsd) took. Errors end the bench."""
        program = program or self.fsd
        cpu = program.cpu()
        argv = self.argv(mode, timeout=timeout, **options)
        out = subprocess.run(argv, env=self.env, capture_output=True, timeout=timeout + 60, check=False)
        if out.returncode != 0 and not may_fail:
            raise Failed(f"{' '.join(argv)}\n{out.stderr.decode(errors='replace')}{out.stdout.decode()}"
                         f"end of {program.log}:\n{text_of(program.log)[-2000:]}")
        result = json.loads(out.stdout)
        result["cpu"] = program.cpu() - cpu
        self.runs.append({"options": argv[1:], **result})
        return result

    # The figures

    def figure(self, work, what, value, unit, target=None, least=True, must=False, floor=""):
        reached = None if target is None or value is None else (value >= target if least else value <= target)
        row = {"work": work, "figure": what, "measured": value, "unit": unit, "target": target,
               "direction": "at least" if least else "at most", "must": must, "reached": reached, "floor": floor}
        self.figures.append(row)
        print("  " + " ".join(cells(row)), file=sys.stderr, flush=True)

    def bucket(self, name):
        self.load("bucket", bucket=name, count=1, connections=1, timeout=60)

    def put1(self):
        self.bucket("single")
        r = self.load("put", bucket="single", connections=1, count=1000000, seconds=8)
        work = "PUT 4 KiB, 1 connection"
        self.figure(work, "rate", r["rate"], "/s", 800)
        self.figure(work, "fsd CPU each", r["cpu"] / r["requests"] * 1e6, "us")
        self.figure(work, "p99", r["p99us"] / 1000, "ms")

    def fill(self):
        """The store that other rows read. Its last tenth is measured apart: does the rate hold?"""
        if self.loaded:
            return
        self.loaded = True
        n = self.a.objects
        self.bucket("bench")
        a = self.load("put", count=n - n // 10)
        b = self.load("put", first=n - n // 10, count=n // 10)
        if "put4k" not in self.a.rows:
            return
        work = "PUT 4 KiB, 64 connections"
        cpu = (a["cpu"] + b["cpu"]) / n * 1e6
        self.figure(work, "rate", n / (a["seconds"] + b["seconds"]), "/s", 6000, must=True)
        self.figure(work, "fsd CPU each", cpu, "us", 130, least=False, must=True, floor="40-80 us")
        self.figure(work, "p50", a["p50us"] / 1000, "ms")
        self.figure(work, "p99", max(a["p99us"], b["p99us"]) / 1000, "ms")
        self.figure(work, "rate, last tenth", b["rate"], "/s")

    def put4krandom(self):
        """Keys that come in no order, into folders that the store does not have yet."""
        self.fill()
        n = max(1000, self.a.objects // 20)
        r = self.load("put", prefix="scattered/", count=n, random=True)
        work = "PUT 4 KiB, 64 connections, keys in random order"
        self.figure(work, "rate", r["rate"], "/s")
        self.figure(work, "fsd CPU each", r["cpu"] / r["requests"] * 1e6, "us")

    def get4k(self):
        self.fill()
        n = self.a.objects
        self.load("get", random=True, verify=True, count=min(n, 20000), space=n)
        self.load("get", random=True, count=100000000, space=n, seconds=3)
        r = self.load("get", random=True, count=max(10000, min(3 * n, 300000)), space=n)
        work = f"GET 4 KiB, 64 connections, {n:,} objects stored"
        self.figure(work, "rate", r["rate"], "/s", 30000, must=True)
        self.figure(work, "fsd CPU each", r["cpu"] / r["requests"] * 1e6, "us", 33, least=False, must=True,
                    floor="18 us")
        self.figure(work, "p50", r["p50us"] / 1000, "ms")
        self.figure(work, "p99", r["p99us"] / 1000, "ms")
        if self.start_nginx():
            y = self.load("get", self.nginx, port=self.nginx_port, bucket="small", random=True, anonymous=True,
                          count=200000, space=10000)
            self.figure(work, "rate of nginx, unsigned, 10,000 files", y["rate"], "/s")
            self.figure(work, "CPU of nginx each", y["cpu"] / y["requests"] * 1e6, "us")

    def putlarge(self):
        self.store_large(32, True)

    def store_large(self, count, show):
        self.large = True
        self.bucket("large")
        r = self.load("put", bucket="large", connections=4, size=LARGE, count=count)
        if show:
            work = "PUT 64 MiB x 4 connections"
            self.figure(work, "fsd CPU", r["cpu"] / (r["bytes"] / 1e9), "CPU-s/GB", 2.7, least=False,
                        floor="1.7 CPU-s/GB")
            self.figure(work, "rate", r["bytes"] / 1e6 / r["seconds"], "MB/s")

    def getlarge(self):
        if not self.large:
            self.store_large(8, False)
        what = {"connections": 4, "bucket": "large", "space": 8, "size": LARGE}
        self.load("get", count=8, verify=True, **what)
        r = self.load("get", count=100, **what)
        mine = r["bytes"] / 1e6 / r["seconds"]
        work = "GET 64 MiB x 4 connections"
        self.figure(work, "fsd CPU", r["cpu"] / (r["bytes"] / 1e9), "CPU-s/GB", 0.35, least=False,
                    floor="0.19 CPU-s/GB")
        self.figure(work, "rate", mine, "MB/s")
        if not self.start_nginx():
            self.figure(work, "part of nginx's sendfile rate (no nginx here)", None, "", 0.8)
            return
        what["bucket"] = "large"
        self.load("get", self.nginx, port=self.nginx_port, anonymous=True, count=8, **what)
        y = self.load("get", self.nginx, port=self.nginx_port, anonymous=True, count=100, **what)
        rate = y["bytes"] / 1e6 / y["seconds"]
        self.figure(work, "part of nginx's sendfile rate", mine / rate, "", 0.8)
        self.figure(work, "rate of nginx", rate, "MB/s")
        self.figure(work, "CPU of nginx", y["cpu"] / (y["bytes"] / 1e9), "CPU-s/GB")

    def list(self):
        """The whole bucket once by its tokens, which must show every key once; then its two ends."""
        self.fill()
        n = self.a.objects
        what = {"connections": 1}
        r = self.load("list", count=(n + 999) // 1000, **what)
        if r["items"] != n:
            raise Failed(f"the listing shows {r['items']} keys of {n}")
        first = self.load("list", at="first", count=300, **what)
        last = self.load("list", at="last", space=n, count=300, **what)
        work = f"ListObjectsV2, 1,000 a page, bucket of {n:,} keys"
        self.figure(work, "pages, whole bucket", r["rate"], "/s", 150, floor="700 to 10,000/s")
        self.figure(work, "fsd CPU each", r["cpu"] / r["requests"] * 1e6, "us")
        self.figure(work, "first page, p50", first["p50us"] / 1000, "ms")
        self.figure(work, "last page, p50", last["p50us"] / 1000, "ms")
        self.figure(work, "last page as fast as the first (time ratio)", last["p50us"] / max(1, first["p50us"]), "",
                    1.2, least=False)

    def memidle(self):
        """After the work, when it had time to settle; and as it is after a start."""
        self.fill()
        time.sleep(self.a.settle)
        used = self.fsd.rss_anon()
        self.fsd.end()
        self.start()
        time.sleep(2)
        work = f"anonymous memory, idle, {self.a.objects:,} objects"
        self.figure(work, f"{self.a.settle:g} s after the load", used / MIB, "MiB", 64, least=False)
        self.figure(work, "after a start", self.fsd.rss_anon() / MIB, "MiB", 64, least=False)

    def memlarge(self):
        """64 multipart uploads of 64 MiB at once, sampled every 20 ms."""
        self.bucket("uploads")
        peak, over = [0], threading.Event()

        def sample():
            while not over.wait(0.02):
                peak[0] = max(peak[0], self.fsd.rss_anon())

        sampler = threading.Thread(target=sample, daemon=True)
        sampler.start()
        try:
            r = self.load("multipart", bucket="uploads", connections=64, count=64, size=LARGE)
            self.load("get", bucket="uploads", connections=4, count=8, space=64, size=LARGE, random=True, verify=True)
        finally:
            over.set()
            sampler.join(5)
        work = "anonymous memory, 64 large uploads at once"
        self.figure(work, "greatest RssAnon", peak[0] / MIB, "MiB", 384, least=False)
        self.figure(work, "rate", r["bytes"] / 1e6 / r["seconds"], "MB/s")

    def restart(self):
        """SIGKILL in the middle of writes, three times; the slowest start counts."""
        self.fill()
        self.bucket("crash")
        times = []
        for i in range(3):
            argv = self.argv("put", bucket="crash", prefix=f"{i}/", count=1000000, seconds=20, timeout=30)
            with subprocess.Popen(argv, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as writer:
                time.sleep(2)
                self.fsd.end(signal.SIGKILL)
                writer.wait(60)
            began = time.monotonic()
            self.start()
            self.load("get", count=1, connections=1, first=self.a.objects // 2, space=1, verify=True, timeout=60)
            times.append(time.monotonic() - began)
            self.load("get", random=True, count=2000, space=self.a.objects, verify=True)
        self.figure(f"restart after SIGKILL, {self.a.objects:,} objects", "until a GET is right, slowest of 3",
                    max(times), "s", 2, least=False, must=True)

    def delete(self):
        self.fill()
        n = min(100000, self.a.objects // 4 // 1000 * 1000)
        if n < 1000:
            raise Failed("OBJECTS= is too small for the row delete: 4,000 at least")
        many = self.load("delete", connections=4, count=n)
        one = self.load("delete", connections=1, first=n, count=n)
        work = "DeleteObjects, 1,000 a call"
        self.figure(work, "keys, 4 connections", many["items"] / many["seconds"], "/s", 10000)
        self.figure(work, "keys, 1 connection", one["items"] / one["seconds"], "/s")
        self.figure(work, "fsd CPU each key", (many["cpu"] + one["cpu"]) / (2 * n) * 1e6, "us")

    def run(self):
        self.prepare()
        self.start()
        for name in self.a.rows:
            print(name, file=sys.stderr, flush=True)
            (self.fill if name == "put4k" else getattr(self, name))()


# In the order in which they run: each may change the store for those behind it.
ROWS = ["put1", "batch1000", "put4k", "memidle", "get4k", "list", "put4krandom", "putlarge", "getlarge", "memlarge", "restart",
        "sse1", "sse10k", "changes500", "foldermove", "treepast", "deltaput", "delete"]


def flush_us(folder):
    """Median time of a 4 KiB append with fdatasync: what this disk takes for a promise."""
    path = os.path.join(folder, "flush")
    times = []
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        for _ in range(300):
            began = time.monotonic()
            os.write(fd, os.urandom(4096))
            os.fdatasync(fd)
            times.append(time.monotonic() - began)
    finally:
        os.close(fd)
        os.unlink(path)
    return round(sorted(times)[150] * 1e6)


def machine(folder):
    cpu = [l.split(":")[1].strip() for l in text_of("/proc/cpuinfo").splitlines() if l.startswith("model name")]
    mem = text_of("/proc/meminfo").split()
    df = subprocess.run(["df", "--output=source,fstype", folder], capture_output=True, text=True, check=False)
    return {"cpu": cpu[0] if cpu else platform.machine(), "cores": len(os.sched_getaffinity(0)),
            "memoryMiB": int(mem[1]) // 1024 if len(mem) > 1 else None, "kernel": platform.release(),
            "disk": " ".join(df.stdout.split()[2:]), "flushUs": flush_us(folder)}


def revision():
    def git(*args):
        return subprocess.run(["git", "-C", ROOT, *args], capture_output=True, text=True, check=False).stdout.strip()
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + ("+changes" if git("status", "--porcelain") else "")


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def cells(row):
    target = ""
    if row["target"] is not None:
        target = ("\u2265 " if row["direction"] == "at least" else "\u2264 ") + f"{row['target']:,}"
    reached = {None: "", True: "yes", False: "NO"}[row["reached"]]
    if row["target"] is not None and row["reached"] is None:
        reached = "not measured"
    return [row["work"], row["figure"] + (" *" if row["must"] else ""), number(row["measured"]), row["unit"],
            target, reached, row["floor"]]


def table(figures):
    rows = [["work", "figure", "measured", "unit", "target", "reached?", "floor"]] + [cells(r) for r in figures]
    width = [max(len(r[i]) for r in rows) for i in range(7)]
    last = None
    for n, r in enumerate(rows):
        shown = ["" if r[0] == last else r[0]] + r[1:]
        last = r[0]
        print("  ".join(c.rjust(w) if i in (2, 4) else c.ljust(w)
                        for i, (c, w) in enumerate(zip(shown, width))).rstrip())
        if n == 0:
            print("  ".join("-" * w for w in width))
    print("* must be reached")


def parse():
    env = os.environ.get
    build = os.path.join(ROOT, "build")
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--rows", default=env("ROWS", ""), help="some of: " + " ".join(ROWS))
    p.add_argument("--objects", type=int, default=int(env("OBJECTS") or 1000000))
    p.add_argument("--data", default=env("BENCH_DATA") or os.path.join(build, "bench-data"))
    p.add_argument("--json", default=os.path.join(build, "bench.json"))
    p.add_argument("--settle", type=float, default=15, help="seconds of rest before idle memory is read")
    p.add_argument("--keep", action="store_true", help="leave the store behind")
    for name, path in (("fsd", "fsd"), ("fsctl", "fsctl"), ("load", "bench/load")):
        p.add_argument("--" + name, default=os.path.join(build, path))
    a = p.parse_args()
    wanted = a.rows.replace(",", " ").split() or ROWS
    unknown = [r for r in wanted if r not in ROWS]
    if unknown:
        p.error(f"no such row: {' '.join(unknown)}; there are {' '.join(ROWS)}")
    if a.objects < 2000:
        p.error("OBJECTS is at least 2000")
    a.rows = [r for r in ROWS if r in wanted]
    return a


def main():
    a = parse()
    for name in ("fsd", "fsctl", "load"):
        if not os.access(getattr(a, name), os.X_OK):
            sys.exit(f"bench: {getattr(a, name)} is not there: make programs bench-programs")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    b = Bench(a)
    began, error, where = time.monotonic(), None, {}
    try:
        b.run()
    except (Failed, subprocess.TimeoutExpired) as e:
        error = str(e)
    finally:
        with contextlib.suppress(OSError):
            where = machine(b.dir)
        b.end()
    report = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
              "revision": revision(), "machine": where, "objects": a.objects,
              "syncPolicy": "strict (default): fdatasync of the segment and of the metadata log before each reply",
              "payload": "PUT 4 KiB signed with its SHA-256; larger bodies UNSIGNED-PAYLOAD",
              "seconds": round(time.monotonic() - began, 1), "error": error, "figures": b.figures, "runs": b.runs}
    with open(a.json, "w", encoding="utf-8") as f:
        json.dump(report, f, indent=1)
    print(f"\n{where.get('cpu')}, {where.get('cores')} cores, {where.get('memoryMiB')} MiB, Linux {where.get('kernel')}, "
          f"{where.get('disk')}, 4 KiB append + fdatasync {where.get('flushUs')} us\n"
          f"fsd {report['revision']}, {a.objects:,} objects, durability {report['syncPolicy']}\n")
    table(b.figures)
    print(f"written to {os.path.relpath(a.json)}")
    if error:
        sys.exit("bench: stopped early: " + error)
    missed = [r for r in b.figures if r["must"] and r["reached"] is False]
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
