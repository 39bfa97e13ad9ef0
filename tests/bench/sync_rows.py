"""The rows of bench.py that are about sync: the JSON API, the change feed, trees of the past, and what fsctl sends."""

import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import sync  # noqa: E402

MIB = 1 << 20
CHURN = 2000
DELTA = 1 << 30


class Failed(Exception):
    """Something without which the bench makes no sense: the text says what."""


class SyncRows:
    """What Bench has of them; `self` is the Bench."""

    def api(self):
        return sync.Sync("127.0.0.1", self.port, self.token)

    def workspace(self, api, name):
        for w in api.call("GET", "/v1/workspaces")["workspaces"]:
            if w["name"] == name:
                return w["workspaceId"]
        raise Failed(f"no workspace {name}")

    def walk(self, target, following, **options):
        return self.load("walk", target=target, next=following, **options)

    def batch1000(self):
        """Files of the JSON API: 4 KiB each, staged a thousand at a time, then committed by one call; only that call counts."""
        api = self.api()
        ws = api.call("POST", "/v1/admin/workspaces", {"name": "batches"})["workspaceId"]
        times, cpu, rounds = [], 0.0, 20
        for i in range(rounds):
            data = [os.urandom(4096) for _ in range(1000)]
            packed = b"".join(len(d).to_bytes(4, "little") + d for d in data)
            status, _, got = api.raw("POST", "/v1/chunks?workspaceId=" + ws, packed)
            if status != 200:
                raise Failed("POST /v1/chunks: " + got.decode(errors="replace"))
            staged = json.loads(got)
            folder = api.call("POST", "/v1/folders", {"workspaceId": ws, "parentFolderId": "root", "name": f"d{i}"})["id"]
            body = json.dumps({"workspaceId": ws, "atomic": i % 2 == 0, "stagingIds": [staged["stagingId"]], "operations": [
                {"op": "create", "parentFolderId": folder, "name": f"o{n:09d}", "sizeBytes": 4096, "chunks": [c],
                 "mtime": "2026-11-22T13:52:15.123456Z", "contentType": "text/plain"}
                for n, c in enumerate(staged["chunks"])]}).encode()
            used, began = self.fsd.cpu(), time.monotonic()
            status, _, got = api.raw("POST", "/v1/files:commit-batch", body, {"Content-Type": "application/json"})
            times.append(time.monotonic() - began)
            cpu += self.fsd.cpu() - used
            if status != 200 or b'"error"' in got:
                raise Failed("commit-batch: " + got[:500].decode(errors="replace"))
        api.close()
        work = "commit-batch, 1,000 files of 4 KiB a call"
        times.sort()
        self.figure(work, "files", 1000 * rounds / sum(times), "/s", 10000, must=True)
        self.figure(work, "fsd CPU each file", cpu / rounds * 1e3, "us")
        self.figure(work, "p50 a call", times[rounds // 2] * 1e3, "ms")

    def wait(self, name, count, **options):
        """What build/bench/waiters says of `count` clients that wait for the changes of a new workspace; None: so many can't be here."""
        api = self.api()
        ws = api.call("POST", "/v1/admin/workspaces", {"name": name})["workspaceId"]
        api.close()
        argv = [os.path.join(os.path.dirname(self.a.load), "waiters"), "--port", str(self.port), "--token", self.token,
                "--workspace", ws, "--count", str(count), "--pid", str(self.fsd.pid)]
        for option, value in options.items():
            argv += ["--" + option, str(value)]
        out = subprocess.run(argv, capture_output=True, timeout=600, check=False)
        if out.returncode == 77:
            return None
        if out.returncode != 0:
            raise Failed("waiters: " + out.stderr.decode(errors="replace") + out.stdout.decode())
        result = json.loads(out.stdout)
        self.runs.append({"options": ["waiters", "--count", str(count)], **result})
        return result

    def sse1(self):
        r = self.wait("one-waits", 1, rounds=200, events=100)
        self.figure("commit to hint, 1 stream", "p99", r["eventsP99us"] / 1000, "ms", 40, least=False, must=True)

    def sse10k(self):
        """Half of them have streams, half wait for the next page; then all are cut off and come back at once."""
        work = "commit to hint, 10,000 clients that wait"
        r = self.wait("many-wait", 10000, rounds=20, limit=120)
        if not r:
            self.figure(work + " (`ulimit -n` is too low here)", "p99, streams", None, "ms", 400, least=False, must=True)
            return
        self.figure(work, "p99, streams", r["eventsP99us"] / 1000, "ms", 400, least=False, must=True)
        self.figure(work, "p99, pages", r["changesP99us"] / 1000, "ms", 400, least=False, must=True)
        self.figure(work, "memory of all", (r["bytesWaiting"] - r["bytesBefore"]) / 1e6, "MB", 100, least=False)
        self.figure(work, "all back after a cut", r["backSeconds"], "s", 60, least=False)

    def changes500(self):
        """The feed from its beginning, by readers that each follow it for themselves."""
        self.fill()
        api = self.api()
        ws = self.workspace(api, "bench")
        api.close()
        r = self.walk(f"/v1/changes?workspaceId={ws}&limit=500", "nextCursor=cursor", connections=8, count=100000000, seconds=8)
        work = "GET /v1/changes, 500 a page, 8 readers of one workspace"
        self.figure(work, "pages", r["rate"], "/s", 1500)
        self.figure(work, "events a page", r["items"] / r["requests"], "")
        self.figure(work, "fsd CPU each", r["cpu"] / r["requests"] * 1e6, "us")
        self.figure(work, "p99", r["p99us"] / 1000, "ms")

    def foldermove(self):
        """All that the store holds, gathered in one folder, is moved to and fro, and so is a folder with one file."""
        self.fill()
        api = self.api()
        ws = self.workspace(api, "bench")
        root = [e["id"] for e in self.entries(api, "root", ws) if e["kind"] == "folder"]

        def folder(parent, name):
            return api.call("POST", "/v1/folders", {"workspaceId": ws, "parentFolderId": parent, "name": name})["id"]

        ends = [folder("root", "bench-here"), folder("root", "bench-there")]
        many, one = folder(ends[0], "many"), folder(ends[0], "one")
        self.load("put", prefix="bench-here/one/", connections=1, count=1)
        for child in root:
            api.call("PATCH", "/v1/folders/" + child, {"parentFolderId": many})
        times = {many: [], one: []}
        for i in range(1, 51):
            for moved in (many, one):
                began = time.monotonic()
                api.call("PATCH", "/v1/folders/" + moved, {"parentFolderId": ends[i % 2], "name": f"moved {i} {moved == many}"})
                times[moved].append((time.monotonic() - began) * 1e3)
        top = api.call("GET", "/v1/workspaces/" + ws)["rootFolderId"]
        for child in root:
            api.call("PATCH", "/v1/folders/" + child, {"parentFolderId": top})
        for end in ends:
            api.call("DELETE", "/v1/folders/" + end)
        api.close()
        work = f"PATCH moves a folder, {self.a.objects:,} files below"
        ours, theirs = statistics.median(times[many]), statistics.median(times[one])
        self.figure(work, "p50", ours, "ms", 10, least=False, must=True)
        self.figure(work, "greatest of 50", max(times[many]), "ms")
        self.figure(work, "as fast as with one file (time ratio)", ours / theirs, "", 1.2, least=False, must=True)

    def entries(self, api, folder, ws):
        """The children of a folder, all pages."""
        if folder == "root":
            folder = api.call("GET", "/v1/workspaces/" + ws)["rootFolderId"]
        found, after = [], None
        while True:
            page = api.call("GET", f"/v1/folders/{folder}/children", after=after, limit=1000)
            found += page["entries"]
            after = page["next"]
            if not after:
                return found

    def treepast(self):
        """A tree as it was, while some of it changed since: every entry of then must be there."""
        self.fill()
        api = self.api()
        ws = self.workspace(api, "bench")
        api.call("PATCH", "/v1/admin/workspaces/bench", {"historyMs": 86400000})
        now = api.call("GET", "/v1/tree", workspaceId=ws, limit=1)["sequence"]
        pages = self.a.objects // 10000 + 2

        def tree():
            return self.walk(f"/v1/tree?workspaceId={ws}&at={now}&limit=10000", "nextPage=page", connections=1, count=1000000,
                             once=True)

        before = tree()
        self.churn(api, ws)
        api.close()
        past = tree()
        if past["items"] != before["items"] or past["requests"] < pages - 2:
            raise Failed(f"the tree at {now} has {past['items']} entries; it had {before['items']}")
        work = f"GET /v1/tree of the past, 10,000 a page, {past['items']:,} entries, {CHURN:,} changes since"
        self.figure(work, "entries", past["items"] / past["seconds"], "/s", 150000)
        self.figure(work, "fsd CPU each entry", past["cpu"] / past["items"] * 1e6, "us")
        self.figure(work, "entries, before the changes", before["items"] / before["seconds"], "/s")

    def churn(self, api, ws):
        """Half of the changes are new versions, a quarter are moves, a quarter are deletions; of the last objects."""
        first, quarter = self.a.objects - CHURN, CHURN // 4
        self.load("put", first=first, count=2 * quarter, seed=2)
        for i in range(first + 2 * quarter, self.a.objects):
            node = api.call("GET", "/v1/lookup", workspaceId=ws, path=f"d{i // 1000:06d}/o{i:09d}")
            if i < self.a.objects - quarter:
                api.call("PATCH", "/v1/files/" + node["id"], {"name": f"moved {i}"})
            else:
                api.call("DELETE", "/v1/files/" + node["id"], baseVersionId=node["versionId"])

    def sent_bytes(self, api):
        """Bytes of request bodies that fsd got so far."""
        status, _, text = api.raw("GET", "/metrics")
        if status != 200:
            raise Failed(f"/metrics: {status}")
        return sum(int(line.rpartition(" ")[2]) for line in text.decode().splitlines()
                   if line.startswith("fsd_received_bytes_total{"))

    def deltaput(self):
        """fsctl puts a file, and again after 1 MiB of it was edited, in five places: where chunks meet again is a matter of luck."""
        api = self.api()
        api.call("POST", "/v1/admin/workspaces", {"name": "delta"})
        path = os.path.join(self.dir, "delta")
        with open(path, "wb") as f:
            for _ in range(DELTA // MIB):
                f.write(os.urandom(MIB))
        argv = [self.a.fsctl, "--endpoint", f"http://127.0.0.1:{self.port}", "--quiet", "put", path, "delta/file"]
        env = dict(self.env, XDG_STATE_HOME=os.path.join(self.dir, "state"))

        def put():
            was, began = self.sent_bytes(api), time.monotonic()
            out = subprocess.run(argv, env=env, capture_output=True, timeout=600, check=False)
            if out.returncode != 0:
                raise Failed("fsctl put: " + out.stderr.decode(errors="replace"))
            return (self.sent_bytes(api) - was) / MIB, time.monotonic() - began

        sent, first = put()
        if sent < DELTA / MIB:
            raise Failed(f"/metrics says that {sent} MiB of {DELTA / MIB} were sent")
        again = []
        for i in range(1, 6):
            with open(path, "r+b") as f:
                f.seek(DELTA // 6 * i)
                f.write(os.urandom(MIB))
            again.append(put())
        api.close()
        os.unlink(path)
        work = f"fsctl put of {DELTA >> 30} GiB again, 1 MiB edited"
        self.figure(work, "sent, median of 5", statistics.median(a[0] for a in again), "MiB", 6, least=False)
        self.figure(work, "sent, greatest of 5", max(a[0] for a in again), "MiB")
        self.figure(work, "time, median of 5", statistics.median(a[1] for a in again), "s")
        self.figure(work, "time of the first put", first, "s")
