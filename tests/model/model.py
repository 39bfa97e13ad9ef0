#!/usr/bin/env python3
"""Random steps over S3 and JSON by several principals, and a reference that says what each must answer.

  model.py --build DIR [--steps N] [--seed S]

Steps: puts, copies and deletions by S3; folders, uploads, edits that come after a deletion, batches, moves, deletions, restorations, shares by JSON, with lost replies that are asked for
again; garbage collection, restarts, kill -9. Compared are every reply with the reference; from time to time and at the end the tree, S3's listing, contents, the tree as it was
at earlier sequences, each reader's feed followed from its beginning, the quota's sum, and what `fsctl check` says. A failure prints its seed and
its steps, made fewer as long as it still fails. Exit code 0: all agreed; 1: something did not.
"""

import argparse
import hashlib
import http.client
import json
import os
import random
import select
import shutil
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from daemon import Daemon, Lost  # noqa: E402
from reference import Reference, above, base, below, join  # noqa: E402
from sync import ApiError  # noqa: E402

CONFIG = """limits: {reserve_bytes: 16MiB, reserve_percent: 0}
grace: 0s
gc: {every: 0}
log: {access: false}
"""
NAMES = ["a", "b", "c", "d.txt", "e f", "\u00fc", "x+y", "long-name-" + "z" * 60]
PEOPLE = ["owner", "ann", "bob"]  # ann and bob see what is shared with them
SHRINK_SECONDS = 60


class Disagreement(Exception):
    pass


def content(seed):
    rng = random.Random(seed)
    return rng.randbytes(rng.choice([0, 1, 10, 100, 5000, 70000]))


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


# ---- the steps: data alone, so that they can be run again and left out

class Generator:
    def __init__(self, seed, without=()):
        self.rng, self.without = random.Random(seed), without

    def path(self, ref, depth=3):
        """Often one that is there, or lies beside one."""
        rng = self.rng
        there = sorted(ref.files) + sorted(ref.folders())
        if there and rng.random() < 0.6:
            return rng.choice(there)
        folder = rng.choice([""] + sorted(ref.folders())) if rng.random() < 0.6 else \
            "/".join(rng.choice(NAMES) for _ in range(rng.randrange(depth)))
        return join(folder, rng.choice(NAMES))

    def some(self, kind, ref):
        """A path of that kind, or now and then of another."""
        there = sorted(ref.files if kind == "file" else ref.folders())
        return self.rng.choice(there) if there and self.rng.random() < 0.95 else self.path(ref)

    def step(self, ref, number):
        rng = self.rng
        who = rng.choices(PEOPLE, [5, 2, 2])[0]
        lost = rng.random() < 0.1
        name = rng.choices(
            ["s3_put", "s3_delete", "s3_copy", "mkdir", "upload", "stale_upload", "late_edit", "batch", "move_file", "move_folder",
             "delete_file", "delete_folder", "undelete", "restore", "share", "revoke", "gc", "restart", "kill"],
            [12, 5, 3, 6, 14, 4, 4, 4, 6, 5, 5, 2, 4, 4, 4, 4, .5, .15, .15])[0]
        if name in self.without:
            return self.step(ref, number)
        step = {"do": name, "who": who, "seed": rng.getrandbits(40), "lost": lost}
        if name in ("s3_put", "s3_delete", "mkdir", "upload", "stale_upload"):
            step["path"] = self.path(ref)
        elif name == "s3_copy":
            step["path"], step["to"] = self.some("file", ref), self.path(ref)
        elif name in ("move_file", "move_folder"):
            step["path"] = self.some("file" if name == "move_file" else "folder", ref)
            step["to"] = join(rng.choice([""] + sorted(ref.folders())), rng.choice(NAMES))
        elif name == "late_edit":
            step["path"] = self.some("file", ref)
            step["taken"] = rng.choice([None, "file", "folder"])
            step["by"] = rng.choice(["session", "batch"])
        elif name in ("delete_file", "restore"):
            step["path"] = self.some("file", ref)
            step["stale"] = rng.random() < 0.2
        elif name == "delete_folder":
            step["path"] = self.some("folder", ref)
        elif name in ("share", "revoke"):
            step["with"] = rng.choice(PEOPLE[1:])
            step["path"] = rng.choice([""] + sorted(ref.folders()) + sorted(ref.files)[:5])
            if name == "revoke" and ref.grants[step["with"]]:
                step["path"] = rng.choice(sorted(ref.grants[step["with"]]))
            step["role"] = rng.choice(["viewer", "editor"])
        elif name == "batch":
            step["folder"] = rng.choice([""] + sorted(ref.folders()))
            step["names"] = rng.sample(NAMES, rng.randrange(1, 5))
            step["atomic"] = rng.random() < 0.5
        return step


# ---- one run

class Run:
    def __init__(self):
        self.daemon = None

    def begin(self, build, folder):
        self.ref = Reference()
        self.daemon = Daemon(build, os.path.join(folder, "store"), os.path.join(folder, "fsd.log"), CONFIG)
        self.daemon.start()
        self.tokens, self.keys, self.ids = {}, {}, {}
        for who in PEOPLE:
            self.ids[who] = self.daemon.admin("user", "create", who)["userId"]
            self.tokens[who] = self.daemon.admin("token", "create", who)["token"]
            key = self.daemon.admin("key", "create", who)
            self.keys[who] = key["accessKeyId"], key["secretAccessKey"]
        self.workspace = self.daemon.admin("workspace", "create", "model", "--owner", "owner")["workspaceId"]
        self.root = self.daemon.sync().call("GET", "/v1/lookup", workspaceId=self.workspace, path="")["id"]
        self.ref.grants = {"ann": {}, "bob": {}}
        self.snapshots = {}  # sequence -> tree
        self.folds = {}  # reader -> nodes, cursor
        self.told = 0  # how far the owner's feed was read
        self.connect()

    def connect(self):
        self.api = {w: self.daemon.sync(self.tokens[w], tries=3) for w in PEOPLE}
        self.s3 = {w: self.daemon.client(key=self.keys[w]) for w in PEOPLE}

    # ---- asking

    def must(self, what, wanted, got, doc=None):
        if got not in (wanted if isinstance(wanted, (tuple, set)) else (wanted,)):
            raise Disagreement("%s: wanted %s, got %s %s" % (what, wanted, got, doc if doc is not None else ""))

    def node(self, path, who="owner"):
        """The node at a path, as the owner sees it."""
        slash = "/" if path and self.ref.kind(path) == "folder" else ""
        status, doc = self.api[who].try_call("GET", "/v1/lookup", workspaceId=self.workspace, path=path + slash)
        self.must("lookup %s" % path, 200, status, doc)
        return doc

    def ask(self, step, method, path, body=None, **query):
        """By the step's principal. A lost reply: the request is answered, the connection cut, and the same asked again."""
        api = self.api[step["who"]]
        key = "key-%d-%s" % (step["seed"], method)
        if step["lost"]:
            target = path + ("?" + urllib.parse.urlencode({k: v for k, v in query.items() if v is not None}) if query else "")
            c = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=30)
            c.request(method, target, json.dumps(body).encode() if body is not None else None,
                      {"Authorization": "Bearer " + api.token, "Idempotency-Key": key})
            select.select([c.sock], [], [], 30)  # answered, and nobody reads it
            c.close()
            api.tries = 8
        return api.try_call(method, path, body, key=key, **query)

    def allowed(self, step, path, needed=2):
        return self.ref.refuses(step["who"], path, needed)

    # ---- S3

    def s3_status(self, step, path):
        return 200 if not self.allowed(step, path) else 403

    def near(self, path):
        """What rights on a key rest on: the file that it names, else the nearest folder above that is there. A file of such a name is none."""
        if path not in self.ref.files:
            while not self.ref.is_folder(path):
                path = above(path)
        return path

    def do_s3_put(self, step):
        path, data = step["path"], content(step["seed"])
        if self.ref.is_folder(path) or any(p in self.ref.files for p in self.parents(path)):
            return  # what S3 may and sync can't carry has tests of its own
        status, _, body = self.s3[step["who"]].request("PUT", "/model/" + path, body=data)
        self.must("PUT %s by %s" % (path, step["who"]), self.s3_status(step, self.near(path)), status, body[:200])
        if status == 200:
            self.ref.put(path, data)

    def parents(self, path):
        while above(path):
            path = above(path)
            yield path

    def do_s3_delete(self, step):
        path = step["path"]
        if self.ref.is_folder(path):
            return
        status, _, body = self.s3[step["who"]].request("DELETE", "/model/" + path)
        self.must("DELETE %s by %s" % (path, step["who"]), 204 if not self.allowed(step, self.near(path)) else 403, status, body[:200])
        if status == 204 and path in self.ref.files:
            self.ref.delete_file(path)

    def do_s3_copy(self, step):
        path, to = step["path"], step["to"]
        if path not in self.ref.files or self.ref.is_folder(to) or any(p in self.ref.files for p in self.parents(to)) or path == to:
            return
        status, _, body = self.s3[step["who"]].request(
            "PUT", "/model/" + to, headers={"x-amz-copy-source": "/model/" + urllib.parse.quote(path)})
        may = not self.allowed(step, self.near(to)) and not self.allowed(step, path, 1)
        self.must("copy %s to %s by %s" % (path, to, step["who"]), 200 if may else 403, status, body[:200])
        if status == 200:
            self.ref.put(to, self.ref.files[path].content)

    # ---- JSON: the tree

    def where(self, folder):
        """(id of a folder, None) or (None, why it can't be named)."""
        return self.node(folder)["id"] if self.ref.is_folder(folder) else None

    def do_mkdir(self, step):
        path = step["path"]
        parent = self.where(above(path))
        if not parent:
            return
        wanted = self.allowed(step, above(path)) or (
            409 if path in self.ref.files or path in self.ref.explicit else 201)
        status, doc = self.ask(step, "POST", "/v1/folders", {"parentFolderId": parent, "name": base(path)})
        self.must("mkdir %s by %s" % (path, step["who"]), wanted, status, doc)
        if status == 201:
            self.ref.mark(above(path))
            self.ref.mark(path)

    def do_move_file(self, step):
        self.move(step, "file")

    def do_move_folder(self, step):
        self.move(step, "folder")

    def move(self, step, kind):
        path, to = step["path"], step["to"]
        if not path or self.ref.kind(path) != kind or not self.ref.is_folder(above(to)):
            return
        node, parent = self.node(path)["id"], self.where(above(to))
        refusals = {self.allowed(step, path), self.allowed(step, above(to)),
                    403 if self.allowed(step, above(path)) else None} - {None}  # the name belongs to the folder above
        wanted = refusals or 200
        if wanted == 200 and to != path and kind == "folder" and below(above(to), path):
            wanted = 409
        elif wanted == 200 and to != path and self.ref.kind(to):
            wanted = 409
        status, doc = self.ask(step, "PATCH", "/v1/%ss/%s" % (kind, node), {"parentFolderId": parent, "name": base(to)})
        self.must("move %s to %s by %s" % (path, to, step["who"]), wanted, status, doc)
        if status == 200 and to != path:
            self.ref.move(path, to)

    def do_delete_file(self, step):
        path = step["path"]
        if path not in self.ref.files:
            return
        node = self.node(path)
        stale = "ver_1" if step["stale"] else node["versionId"]
        wanted = self.allowed(step, path) or (409 if step["stale"] else 200)
        status, doc = self.ask(step, "DELETE", "/v1/files/" + node["id"], baseVersionId=stale)
        self.must("delete %s by %s" % (path, step["who"]), wanted, status, doc)
        if status == 200:
            self.ref.delete_file(path)
            self.ref.trash[-1]["id"] = node["id"]

    def do_delete_folder(self, step):
        path = step["path"]
        if not path or self.ref.kind(path) != "folder":
            return
        node = self.node(path)
        status, doc = self.ask(step, "DELETE", "/v1/folders/" + node["id"])
        self.must("delete folder %s by %s" % (path, step["who"]), self.allowed(step, path) or 200, status, doc)
        if status == 200:
            self.ref.delete_folder(path)
            self.ref.trash[-1]["id"] = node["id"]

    def do_undelete(self, step):
        known = [i for i, t in enumerate(self.ref.trash) if "id" in t]
        if not known:
            return
        index = known[step["seed"] % len(known)]
        t = self.ref.trash[index]
        kind, path = t["kind"], t["path"]
        to = join("", base(path) + "-back-%d" % (step["seed"] % 1000))
        if self.ref.kind(to):
            return
        parent = self.where("")
        step = dict(step, who="owner")
        status, doc = self.ask(step, "POST", "/v1/%ss/%s:undelete" % (kind, t["id"]), {"parentFolderId": parent, "name": base(to)})
        self.must("undelete %s to %s" % (path, to), 200, status, doc)
        self.ref.undelete(index, to)

    # ---- JSON: contents

    def send(self, step, path, data, **start):
        """Start, parts, completion; the status of what refuses, or of the completion, and its document."""
        status, session = self.ask(dict(step), "POST", "/v1/files:start-upload", dict(start, sizeBytes=len(data)))
        if status != 200:
            return status, session
        self.api[step["who"]].send_parts(session, data, start.get("chunks"))
        again = dict(step, seed=step["seed"] + 1)
        return self.ask(again, "POST", "/v1/files:complete-upload", {"uploadSessionId": session["uploadSessionId"]})

    def chunks(self, data, seed):
        """Cut anywhere: the server keeps what it is told."""
        rng, at, out = random.Random(seed), 0, []
        while at < len(data):
            n = min(rng.randrange(1, 30000), len(data) - at)
            out.append({"hash": hashlib.sha256(data[at:at + n]).hexdigest(), "length": n})
            at += n
        return out

    def do_upload(self, step):
        path, data = step["path"], content(step["seed"])
        parent = self.where(above(path))
        if not parent:
            return
        start = {"parentFolderId": parent, "name": base(path)}
        if step["seed"] % 3 == 0:
            start["chunks"] = self.chunks(data, step["seed"])
        if step["seed"] % 2:
            start["sha256"] = hashlib.sha256(data).hexdigest()
        there = self.ref.files.get(path)
        wanted = self.allowed(step, above(path)) or (409 if self.ref.is_folder(path) else 201)
        if wanted == 201 and there and there.content == data:
            # Without a hash of what is there it can't be seen.
            wanted = 200 if self.node(path).get("contentHash") else {200, 201}
        status, doc = self.send(step, path, data, **start)
        self.must("upload %s by %s" % (path, step["who"]), wanted, status, doc)
        if status == 201:
            self.ref.put(path, data, True)

    def do_stale_upload(self, step):
        """On a base that is not current: refused, or beside it as a conflict copy."""
        path, data = step["path"], content(step["seed"])
        parent = self.where(above(path))
        if not parent or path not in self.ref.files or self.ref.files[path].content == data or self.allowed(step, above(path)):
            return
        rename = step["seed"] % 2 == 0
        status, doc = self.send(step, path, data, parentFolderId=parent, name=base(path), baseVersionId=None,
                                onConflict="rename" if rename else "fail")
        self.must("stale upload of %s" % path, 201 if rename else 409, status, doc)
        if rename:
            if doc["name"] == base(path) or " (conflict " not in doc["name"]:
                raise Disagreement("conflict copy of %s is called %s" % (path, doc["name"]))
            self.ref.put(join(above(path), doc["name"]), data, True)
        elif doc["error"]["currentVersionId"] != self.node(path)["versionId"]:
            raise Disagreement("conflict on %s names %s" % (path, doc))

    def do_late_edit(self, step):
        """Of a file that is deleted before the edit arrives, and whose name something else takes then, perhaps: it comes back, or the edit is told so, or
        it is a conflict copy."""
        path, data = step["path"], content(step["seed"]) + b"edit"
        if path not in self.ref.files or self.allowed(step, path):
            return
        node, rename = self.node(path), "rename" if step["seed"] % 2 == 0 else "fail"
        end = self.late_session(step, node, data, rename) if step["by"] == "session" else \
            self.late_batch(step, node, data, rename)
        if not end:
            return  # who sees a part alone may not send packs
        self.api["owner"].call("DELETE", "/v1/files/" + node["id"])
        self.ref.delete_file(path)
        self.ref.trash[-1]["id"] = node["id"]
        # With its folder gone it is found by its path: that takes a role on the whole.
        asked = above(path) if self.ref.is_folder(above(path)) else ""
        self.take_name(path, step["taken"], step["seed"])
        status, doc = end()
        if self.allowed(step, asked):
            self.must("late edit of %s by %s" % (path, step["who"]), {403, 404, 409}, status, doc)
        elif not step["taken"]:
            self.must("late edit of %s" % path, 201, status, doc)
            self.ref.mark(above(path))
            self.ref.undelete(len(self.ref.trash) - 1, path)
            self.ref.put(path, data)
        elif rename == "rename":
            self.must("late edit of %s, taken by a %s" % (path, step["taken"]), 201, status, doc)
            wanted = self.node(path)["id"] if step["taken"] == "file" else node["id"]
            if " (conflict " not in doc["name"] or doc.get("conflictOf") != wanted or doc["fileId"] == node["id"]:
                raise Disagreement("late edit of %s: %s" % (path, doc))
            self.ref.put(join(above(path), doc["name"]), data, True)
        else:
            self.must("late edit of %s, taken by a %s" % (path, step["taken"]), 409, status, doc)
            wanted = self.node(path)["versionId"] if step["taken"] == "file" else None
            if doc["error"]["code"] != "version_conflict" or doc["error"]["currentVersionId"] != wanted:
                raise Disagreement("late edit of %s: %s" % (path, doc))

    def late_session(self, step, node, data, rename):
        status, session = self.ask(step, "POST", "/v1/files:start-upload", {
            "fileId": node["id"], "baseVersionId": node["versionId"], "sizeBytes": len(data), "onConflict": rename})
        self.must("start of a late edit by %s" % step["who"], 200, status, session)
        self.api[step["who"]].send_parts(session, data)
        return lambda: self.ask(dict(step, seed=step["seed"] + 1), "POST", "/v1/files:complete-upload",
                                {"uploadSessionId": session["uploadSessionId"]})

    def late_batch(self, step, node, data, rename):
        status, _, got = self.api[step["who"]].raw("POST", "/v1/chunks?workspaceId=" + self.workspace,
                                                   len(data).to_bytes(4, "little") + data)
        if status != 200:
            return None
        body = {"workspaceId": self.workspace, "atomic": False, "stagingIds": [json.loads(got)["stagingId"]], "operations": [
            {"op": "version", "fileId": node["id"], "baseVersionId": node["versionId"], "sizeBytes": len(data),
             "chunks": [{"hash": hashlib.sha256(data).hexdigest(), "length": len(data)}], "onConflict": rename}]}

        def end():
            status, doc = self.ask(step, "POST", "/v1/files:commit-batch", body)
            self.must("batch of a late edit by %s" % step["who"], 200, status, doc)
            result = doc["results"][0]
            return (201 if result["status"] == "ok" else 409), result
        return end

    def take_name(self, path, kind, seed):
        if not kind:
            return
        key, data = (path, b"taken-%d" % seed) if kind == "file" else (path + "/inside", b"inside")
        status, _, body = self.s3["owner"].request("PUT", "/model/" + key, body=data)
        self.must("PUT %s" % key, 200, status, body[:200])
        self.ref.put(key, data)

    def do_batch(self, step):
        folder, who = step["folder"], step["who"]
        parent = self.where(folder)
        if not parent:
            return
        items = [(join(folder, n), content(step["seed"] + i)) for i, n in enumerate(step["names"])]
        packed = b"".join(len(d).to_bytes(4, "little") + d for _, d in items if d)
        staging = []
        if packed:
            status, _, got = self.api[who].raw("POST", "/v1/chunks?workspaceId=" + self.workspace, packed)
            if not self.ref.grants.get(who, {"": "editor"}).get("", "") == "editor":
                if status != 200:
                    return  # without a role on the whole workspace packs may be refused
            self.must("pack by %s" % who, 200, status, got[:300])
            staging = [json.loads(got)["stagingId"]]
        operations = [{"op": "create", "parentFolderId": parent, "name": base(p), "sizeBytes": len(d),
                       "chunks": [{"hash": hashlib.sha256(d).hexdigest(), "length": len(d)}] if d else []} for p, d in items]
        wanted = [not self.ref.kind(p) or (p in self.ref.files and self.ref.files[p].content == d) for p, d in items]
        status, doc = self.ask(step, "POST", "/v1/files:commit-batch", {
            "workspaceId": self.workspace, "atomic": step["atomic"], "stagingIds": staging, "operations": operations})
        refused = self.allowed(step, folder)
        if refused:
            if status == 200 and any(r["status"] == "ok" for r in doc["results"]):
                raise Disagreement("batch in %s by %s: %s" % (folder, who, doc))
            return
        if step["atomic"]:
            self.must("atomic batch in %s" % folder, 200 if all(wanted) else 409, status, doc)
            wanted = [all(wanted)] * len(items)
        else:
            self.must("batch in %s" % folder, 200, status, doc)
            got = [r["status"] == "ok" for r in doc["results"]]
            if got != wanted:
                raise Disagreement("batch in %s: wanted %s, got %s" % (folder, wanted, doc["results"]))
        for (path, data), ok in zip(items, wanted):
            if ok and not self.ref.kind(path):
                self.ref.put(path, data, True)

    def do_restore(self, step):
        path = step["path"]
        if path not in self.ref.files:
            return
        node = self.node(path)
        versions = self.api["owner"].call("GET", "/v1/files/%s/versions" % node["id"])["versions"]
        kept = self.ref.files[path].versions
        if len(versions) != len(kept):
            raise Disagreement("%s has %d versions, wanted %d" % (path, len(versions), len(kept)))
        index = step["seed"] % len(kept)
        status, doc = self.ask(step, "POST", "/v1/files/%s:restore" % node["id"], {"versionId": versions[-1 - index]["versionId"]})
        self.must("restore %s by %s" % (path, step["who"]), self.allowed(step, path) or {200, 201}, status, doc)
        if status < 300 and not doc.get("unchanged"):
            self.ref.put(path, kept[index])

    # ---- shares

    def do_share(self, step):
        path, to = step["path"], step["with"]
        kind = "workspace" if not path else self.ref.kind(path)
        if not kind:
            return
        node = self.workspace if not path else self.node(path)["id"]
        status, doc = self.ask(dict(step, who="owner"), "POST", "/v1/%ss/%s:share" % (kind, node),
                               {"principalId": self.ids[to], "role": step["role"]})
        self.must("share %s with %s" % (path, to), 200, status, doc)
        if kind == "folder":
            self.ref.mark(path)
        self.ref.share(to, path, step["role"])

    def do_revoke(self, step):
        path, to = step["path"], step["with"]
        if path not in self.ref.grants[to]:
            return
        kind = "workspace" if not path else self.ref.kind(path)
        node = self.workspace if not path else self.node(path)["id"]
        status, doc = self.ask(dict(step, who="owner"), "DELETE", "/v1/%ss/%s/grants/%s" % (kind, node, self.ids[to]))
        self.must("revoke %s from %s" % (path, to), 200, status, doc)
        self.ref.revoke(to, path)

    # ---- what happens to the daemon

    def do_gc(self, step):
        self.daemon.admin("gc")

    def do_restart(self, step):
        self.daemon.stop()
        self.daemon.start()
        self.connect()

    def do_kill(self, step):
        self.daemon.kill()
        self.daemon.start()
        self.connect()

    # ---- comparing

    def check_tree(self):
        entries, _, sequence = self.api["owner"].tree(self.workspace)
        wanted = {(k, p, None if c is None else sha(c)) for k, p, c in self.ref.tree()}
        self.same("the tree", wanted, self.listed(entries, wanted))
        if len(entries) != len({e["id"] for e in entries}):
            raise Disagreement("the tree has an entry twice")
        self.snapshots[sequence] = wanted

    def same(self, what, wanted, got):
        if wanted != got:
            raise Disagreement("%s: missing %s, too much %s" % (what, sorted(map(str, wanted - got))[:5],
                                                               sorted(map(str, got - wanted))[:5]))

    def listed(self, entries, wanted):
        """As (kind, path, hash); a hash that is not known yet is taken for the right one, and contents are read elsewhere."""
        hashes = {p: h for k, p, h in wanted if k == "file"}
        return {(e["kind"], e["path"], e.get("contentHash") or (hashes.get(e["path"]) if e["kind"] == "file" else None))
                for e in entries if e["path"]}

    def check_past(self):
        for sequence, wanted in random.Random(len(self.snapshots)).sample(sorted(self.snapshots.items()), min(8, len(self.snapshots))):
            entries, _, _ = self.api["owner"].tree(self.workspace, at=sequence)
            self.same("the tree at %d" % sequence, wanted, self.listed(entries, wanted))

    def check_contents(self):
        for path, f in self.ref.files.items():
            status, _, body = self.s3["owner"].request("GET", "/model/" + path)
            if status != 200 or body != f.content:
                raise Disagreement("GET %s: status %d, %d bytes, wanted %d" % (path, status, len(body), len(f.content)))

    def fold(self, who):
        """The reader's feed in order, from where it was read to the last time; what is gained is listed."""
        api = self.api[who]
        nodes, cursor = self.folds.get(who, ({}, None))

        def forget(node):
            nodes.pop(node, None)
            for child in [i for i, n in nodes.items() if n.get("parentFolderId") == node]:
                forget(child)

        def list_folder(folder):
            after = None
            while True:
                try:
                    doc = api.call("GET", "/v1/folders/%s/children" % folder, after=after)
                except ApiError as e:
                    if e.status == 404:
                        return
                    raise
                for entry in doc["entries"]:
                    nodes[entry["id"]] = entry
                    if entry["kind"] == "folder":
                        list_folder(entry["id"])
                after = doc["next"]
                if after is None:
                    return

        events, cursor = api.changes(cursor or "begin", None if cursor else self.workspace)
        self.folds[who] = nodes, cursor
        last = 0
        for e in events:
            if e["sequence"] < last:  # what is gained again with a loss has its sequence
                raise Disagreement("%s: the feed goes back from %d to %d" % (who, last, e["sequence"]))
            last = e["sequence"]
            kind = e["eventType"]
            if kind in ("FILE_DELETED", "FOLDER_DELETED", "ACCESS_LOST"):
                forget(e["id"])
            elif e["kind"] == "folder" and (kind in ("ACCESS_GAINED", "FOLDER_RESTORED") or
                                            kind == "FOLDER_MOVED" and e["id"] not in nodes):
                if e["id"] == self.root:  # all of it is seen: what was known of a part is listed anew
                    nodes.clear()
                nodes[e["id"]] = e
                list_folder(e["id"])
            elif not kind.startswith("SHARE_"):
                nodes[e["id"]] = e
        return {i: n for i, n in nodes.items() if self.in_reach(nodes, i)}, events

    def in_reach(self, nodes, node):
        """Below the root, or below what was shared; a folder that could not be listed any more leaves orphans until its deletion is read."""
        for _ in range(130):
            node = nodes[node].get("parentFolderId")
            if node in (None, self.root):
                return True
            if node not in nodes:
                return False
        return False

    def check_feed(self):
        entries, _, sequence = self.api["owner"].tree(self.workspace)
        ids = {e["path"]: e["id"] for e in entries if e["kind"] == "file"}
        nodes, events = self.fold("owner")
        missed = set(range(self.told + 1, sequence + 1)) - {e["sequence"] for e in events} - self.markers()
        if missed:
            raise Disagreement("the owner's feed lacks %s" % sorted(missed)[:5])
        self.told = max([sequence] + [e["sequence"] for e in events])    # of a hash of the daemon's own, meanwhile
        self.same("the owner's feed", set(ids.values()), {i for i, n in nodes.items() if n["kind"] == "file"})
        for who in PEOPLE[1:]:
            wanted = {ids[p] for k, p, _ in self.ref.visible(who) if k == "file"}
            try:
                nodes, _ = self.fold(who)
            except ApiError as e:
                if e.status == 404 and not self.ref.grants[who]:
                    self.folds.pop(who, None)
                    continue
                raise
            self.same("the feed of %s" % who, wanted, {i for i, n in nodes.items() if n["kind"] == "file"})

    def markers(self):
        """The sequences of what only marks folders as made: JSON readers are not shown that."""
        lines = self.daemon.fsctl("changes", "model", "--json").stdout.splitlines()
        return {e["sequence"] for e in map(json.loads, lines) if e["kind"] == "file" and not e["name"]}

    def check_sums(self):
        doc = self.api["owner"].call("GET", "/v1/workspaces/" + self.workspace)
        if doc["bytes"] != self.ref.bytes():
            raise Disagreement("the workspace counts %d bytes, wanted %d" % (doc["bytes"], self.ref.bytes()))
        out = self.daemon.fsctl("check")
        if out.returncode:
            raise Disagreement("fsctl check: %s" % out.stdout[-1500:].decode())

    def check_all(self):
        self.check_tree()
        self.check_past()
        self.check_contents()
        self.check_feed()
        self.check_sums()

    def step(self, step):
        try:
            getattr(self, "do_" + step["do"])(step)
        except ApiError as e:
            raise Disagreement("%s: %s" % (step["do"], e)) from e

    def end(self):
        if self.daemon and self.daemon.running():
            self.daemon.kill()


# ---- many

def attempt(build, steps, progress=False):
    """Runs steps that are known; the disagreement and the number of the step where it was, or None."""
    folder = tempfile.mkdtemp(prefix="fsd-model-")
    run, i = Run(), -1
    try:
        run.begin(build, folder)
        for i, step in enumerate(steps):
            run.step(step)
            if i % 100 == 99:
                run.check_tree()
                run.check_feed()
        i = len(steps)
        run.check_all()
        return None
    except (Disagreement, ApiError, Lost, OSError, http.client.HTTPException, KeyError) as e:
        return i, "%s: %s" % (type(e).__name__, e)
    finally:
        run.end()
        shutil.rmtree(folder, ignore_errors=True)


def explore(build, seed, count, without=()):
    """Makes steps as it goes. (the steps so far, what went wrong or None)"""
    folder = tempfile.mkdtemp(prefix="fsd-model-")
    generator, steps, run = Generator(seed, without), [], Run()
    try:
        run.begin(build, folder)
        for i in range(count):
            steps.append(generator.step(run.ref, i))
            run.step(steps[-1])
            if i % 100 == 99:
                run.check_tree()
                run.check_feed()
            if i % 1000 == 999:
                run.check_all()
        run.check_all()
        return steps, None
    except (Disagreement, ApiError, Lost, OSError, http.client.HTTPException, KeyError) as e:
        return steps, "%s: %s" % (type(e).__name__, e)
    finally:
        run.end()
        shutil.rmtree(folder, ignore_errors=True)


def alike(one, other):
    """The same kind of failure: another one may hide behind it."""
    return one.split()[:2] == other.split()[:2]


def shrink(build, steps, wrong):
    """Leaves out pieces, halves first, as long as it still fails alike."""
    end, size = time.monotonic() + SHRINK_SECONDS, max(len(steps) // 2, 1)
    while size and time.monotonic() < end:
        i = 0
        while i < len(steps) and time.monotonic() < end:
            fewer = steps[:i] + steps[i + size:]
            failed = attempt(build, fewer)
            if failed and alike(failed[1], wrong):
                steps = fewer[:failed[0] + 1]
            else:
                i += size
        size //= 2
    return steps


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", required=True)
    p.add_argument("--steps", type=int, default=1000)
    p.add_argument("--seed", type=int)
    p.add_argument("--no-shrink", action="store_true")
    p.add_argument("--without", default="", help="steps that are left out: batch,share")
    args = p.parse_args()
    seed = args.seed if args.seed is not None else random.SystemRandom().getrandbits(32)
    print("# seed %d" % seed, flush=True)
    steps, wrong = explore(args.build, seed, args.steps, args.without.split(","))
    if not wrong:
        print("# %d steps agreed" % len(steps))
        return 0
    print("disagreed: after %d steps: %s" % (len(steps), wrong), flush=True)
    if not args.no_shrink:
        steps = shrink(args.build, steps, wrong)
        print("# %d steps are enough:" % len(steps))
    for step in steps[-40:]:
        print("#   %s" % json.dumps(step, sort_keys=True))
    return 1


if __name__ == "__main__":
    sys.exit(main())
