#!/usr/bin/env python3
"""A reference device: keeps a local folder and a workspace the same, by the JSON API alone.

  device.py FOLDER --endpoint HOST:PORT --token T --workspace WS [--name NAME] [--once]

It shows what a client has to do, and in which order; README.md beside it explains. What it knows is in FOLDER/.fsd-device: the cursor,
the nodes of the workspace, and the files as both sides had them last (the base, from which each side is looked at).
"""

import argparse
import hashlib
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from sync import ApiError, Sync  # noqa: E402

STATE = ".fsd-device"
LEAVES = ("FILE_DELETED", "FILE_MOVED", "FOLDER_DELETED", "FOLDER_MOVED")  # a name is free after it
BATCH = 8  # from so many new small files on they are sent together
SMALL = 256 << 10


def hash_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Device:
    def __init__(self, folder, api, workspace, name="device"):
        self.folder, self.api, self.workspace, self.name = folder, api, workspace, name
        os.makedirs(os.path.join(folder, STATE), exist_ok=True)
        self.state = {"cursor": None, "device": None, "root": None, "sequence": 0, "nodes": {}, "base": {}, "skipped": {}}
        try:
            with open(self.path(STATE, "state.json")) as f:
                self.state = json.load(f)
        except FileNotFoundError:
            pass
        self.api.device = self.state["device"]

    # ---- what is kept

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def save(self):
        """By rename, after what it stands for: a cursor that is stored too early would lose changes."""
        temporary = self.path(STATE, "state.new")
        with open(temporary, "w") as f:
            json.dump(self.state, f)
            f.flush()
            os.fsync(f.fileno())
        os.rename(temporary, self.path(STATE, "state.json"))

    @property
    def nodes(self):
        """id -> kind, parent, name, version, hash, size: the workspace as the feed told it."""
        return self.state["nodes"]

    @property
    def skipped(self):
        """id -> kind: what sync can't carry."""
        return self.state["skipped"]

    @property
    def base(self):
        """id -> path, kind, version, hash, size, mtime, inode: what both sides had when they last agreed."""
        return self.state["base"]

    # ---- the remote side

    def begin(self):
        """The whole tree at one sequence, then the feed from there."""
        if not self.state["device"]:
            self.state["device"] = self.api.call("POST", "/v1/devices", {"name": self.name})["deviceId"]
            self.api.device = self.state["device"]
        entries, cursor, sequence = self.api.tree(self.workspace)
        # None where parts of the workspace alone are shared with us: those then stand in the local folder side by side.
        self.state["root"] = self.api.call("GET", "/v1/workspaces/" + self.workspace)["rootFolderId"]
        self.state["nodes"], self.state["skipped"] = {}, {}
        for entry in entries:
            self.remember(entry)
        self.state["cursor"], self.state["sequence"] = cursor, sequence

    def remember(self, entry):
        if entry["kind"] == "folder" and entry["syncable"] and not entry["name"]:
            return  # the root
        if not entry["syncable"]:
            self.nodes.pop(entry["id"], None)
            self.skip(entry["id"], entry["kind"], entry["path"], entry["reason"])
            return
        self.skipped.pop(entry["id"], None)
        self.nodes[entry["id"]] = {"kind": entry["kind"], "parent": entry["parentFolderId"], "name": entry["name"],
                                   "version": entry.get("versionId"), "hash": entry.get("contentHash"),
                                   "size": entry.get("sizeBytes")}

    def skip(self, node, kind, path, reason):
        """Left alone, with all below it; whoever uses the device is told once."""
        if node not in self.skipped:
            print("not synced: %s: %s" % (path, reason), file=sys.stderr)
        self.skipped[node] = kind

    def look_again(self):
        """What kept a name from being synced may have gone, which no event tells."""
        for node, kind in list(self.skipped.items()):
            status, doc = self.api.try_call("GET", "/v1/%ss/%s" % (kind, node))
            if status == 404:
                self.skipped.pop(node)
            elif status == 200 and doc["syncable"]:
                self.remember(doc)
                if kind == "folder":
                    self.list_folder(node)

    def forget(self, node):
        self.nodes.pop(node, None)
        self.skipped.pop(node, None)
        for child in [i for i, n in self.nodes.items() if n["parent"] == node]:
            self.forget(child)

    def apply(self, event):
        kind = event["eventType"]
        if kind.startswith("SHARE_"):
            return
        if kind in ("FILE_DELETED", "FOLDER_DELETED", "ACCESS_LOST"):
            self.forget(event["id"])
            if event["id"] == self.state["root"]:
                self.state["root"] = None  # what is still shared is gained behind this
        elif kind == "ACCESS_GAINED" and event["kind"] == "folder" and not event["name"] and event["syncable"]:
            self.state["root"] = event["id"]  # all of the workspace, with the folders above what was known
            self.list_folder(event["id"])
        elif event["kind"] == "folder" and (kind in ("ACCESS_GAINED", "FOLDER_RESTORED") or
                                            kind == "FOLDER_MOVED" and event["id"] not in self.nodes):
            if event["id"] == self.state["root"]:  # all of it is seen: what was known of a part is listed anew
                self.nodes.clear()
            self.remember(event)
            self.list_folder(event["id"])  # what is below was not in the feed, or is forgotten
        else:
            self.remember(event)

    def list_folder(self, folder):
        after = None
        while True:
            try:
                doc = self.api.call("GET", "/v1/folders/%s/children" % folder, after=after)
            except ApiError as e:
                if e.status == 404:
                    return  # a later event says so too
                raise
            for entry in doc["entries"]:
                self.remember(entry)
                if entry["kind"] == "folder":
                    self.list_folder(entry["id"])
            after = doc["next"]
            if after is None:
                return

    def pull(self, wait=None):
        """What happened since, into the nodes; then the local folder follows where it has no changes of its own."""
        if not self.state["cursor"]:
            self.begin()
        try:
            events, cursor = self.api.changes(self.state["cursor"], wait=wait)
        except ApiError as e:
            if e.code != "cursor_expired":
                raise
            self.begin()  # the log does not reach back so far: list anew; the base tells what was ours
            events, cursor = self.api.changes(self.state["cursor"])
        for event in events:
            self.apply(event)
            self.state["sequence"] = max(self.state["sequence"], event["sequence"])
        if self.skipped and any(e["eventType"] in LEAVES for e in events):
            self.look_again()
        self.follow()
        self.state["cursor"] = cursor
        self.save()
        self.api.call("POST", "/v1/devices/%s:ack" % self.state["device"], {"cursor": cursor})

    def remote_path(self, node):
        """Its path, or None where a folder above is not known."""
        parts = []
        while node != self.state["root"]:
            if node not in self.nodes or len(parts) > 128:
                return None
            parts.append(self.nodes[node]["name"])
            node = self.nodes[node]["parent"]
        return "/".join(reversed(parts))

    # ---- the local side

    def scan(self):
        """path -> kind, size, mtime, inode."""
        found = {}
        for where, folders, files in os.walk(self.folder):
            if where == self.folder:
                folders.remove(STATE)
            for name in folders + files:
                path = os.path.join(where, name)
                s = os.lstat(path)
                if os.path.islink(path):
                    continue
                found[os.path.relpath(path, self.folder)] = {
                    "kind": "folder" if name in folders else "file", "size": s.st_size, "mtime": s.st_mtime_ns,
                    "inode": s.st_ino}
        return found

    def read(self, path):
        with open(self.path(path), "rb") as f:
            return f.read()

    def changed(self, path, known, seen):
        if seen["size"] == known["size"] and seen["mtime"] == known["mtime"]:
            return False
        return seen["size"] != known["size"] or hash_of(self.read(path)) != known["hash"]

    def agree(self, node, path):
        """From now on both sides have this."""
        n, s = self.nodes[node], os.lstat(self.path(path))
        self.base[node] = {"path": path, "kind": n["kind"], "version": n["version"], "hash": n["hash"],
                           "size": s.st_size, "mtime": s.st_mtime_ns, "inode": s.st_ino}

    def follow(self):
        local = self.scan()
        wanted = {i: self.remote_path(i) for i in self.nodes}
        wanted = self.one_a_path({i: p for i, p in wanted.items() if p is not None})
        self.take_away(local, wanted)
        self.move(wanted)
        for node, path in sorted(wanted.items(), key=lambda item: item[1]):
            self.bring(node, path)

    def one_a_path(self, wanted):
        """Two shared folders can have one name: what was there first keeps it."""
        taken, kept = {}, {}
        for node, path in sorted(wanted.items(), key=lambda item: (item[0] not in self.base, item[0])):
            if taken.setdefault(path, node) == node:
                kept[node] = path
            else:
                self.skip(node, self.nodes[node]["kind"], path, "something else that is shared has this name")
        return {i: p for i, p in kept.items() if self.in_kept(i, kept)}

    def in_kept(self, node, kept):
        while node != self.state["root"]:
            if node not in kept:
                return False
            node = self.nodes[node]["parent"]
        return True

    def take_away(self, local, wanted):
        """What is gone there goes here, unless it was edited here: an edit beats a deletion."""
        gone = [i for i in self.base if i not in wanted]
        for node in sorted(gone, key=lambda i: self.base[i]["path"], reverse=True):
            known = self.base.pop(node)
            seen = local.get(known["path"])
            if not seen or seen["kind"] != known["kind"]:
                continue
            try:
                if known["kind"] == "folder":
                    os.rmdir(self.path(known["path"]))
                elif not self.changed(known["path"], known, seen):
                    os.unlink(self.path(known["path"]))
            except OSError:
                pass  # something of ours is in it

    def move(self, wanted):
        for node in sorted(self.base, key=lambda i: self.base[i]["path"]):
            known, path = self.base[node], wanted[node]
            if known["path"] == path or os.path.lexists(self.path(path)) or not os.path.lexists(self.path(known["path"])):
                continue
            os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
            os.rename(self.path(known["path"]), self.path(path))
            old = known["path"]
            for other in self.base.values():
                if other["path"] == old or other["path"].startswith(old + "/"):
                    other["path"] = path + other["path"][len(old):]

    def bring(self, node, path):
        n, known = self.nodes[node], self.base.get(node)
        here = self.path(path)
        if self.in_the_way(path):
            return  # a file of ours: push makes it a conflict copy, and the next pull brings this
        if n["kind"] == "folder":
            if not os.path.lexists(here):
                if known:
                    return  # it was deleted here: push tells
                os.makedirs(here)
            if os.path.isdir(here):
                self.agree(node, path)
            return
        if known and known["version"] == n["version"]:
            return
        if os.path.lexists(here):
            seen = self.scan_one(path)
            if not known and n["hash"] == hash_of(self.read(path)):
                self.agree(node, path)
                return
            if not known or known["path"] != path or self.changed(path, known, seen):
                return  # ours differs: push makes the conflict copy, and the next pull brings theirs
        try:
            data, info = self.api.download(node)
        except ApiError as e:
            if e.status == 404:
                return
            raise
        n["version"], n["hash"] = info["versionId"], hash_of(data)
        temporary = self.path(STATE, "download")
        with open(temporary, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.makedirs(os.path.dirname(here), exist_ok=True)
        os.rename(temporary, here)
        self.agree(node, path)

    def in_the_way(self, path):
        """Whether something that is no folder stands where a folder above is to be."""
        above = os.path.dirname(path)
        while above and not os.path.lexists(self.path(above)):
            above = os.path.dirname(above)
        return bool(above) and not os.path.isdir(self.path(above))

    def scan_one(self, path):
        s = os.lstat(self.path(path))
        return {"size": s.st_size, "mtime": s.st_mtime_ns, "inode": s.st_ino}

    # ---- what was done here

    def push(self):
        local = self.scan()
        paths = {known["path"]: node for node, known in self.base.items()}
        missing = {paths[p] for p in paths if p not in local or local[p]["kind"] != self.base[paths[p]]["kind"]}
        new = [p for p in sorted(local) if p not in paths or paths[p] in missing]
        self.push_folders(new, local)
        new = self.push_moves(new, local, missing)
        self.push_new([p for p in new if local[p]["kind"] == "file"])
        for path, node in paths.items():
            known = self.base.get(node)
            if known and known["path"] == path and node not in missing and local[path]["kind"] == "file":
                if self.changed(path, known, local[path]):
                    self.push_version(node, path)
                elif known["mtime"] != local[path]["mtime"]:
                    known["mtime"] = local[path]["mtime"]
        self.push_deletions(missing)
        self.save()

    def folder_of(self, path):
        """The id of the folder that a path is in."""
        above = os.path.dirname(path)
        if not above:
            return self.state["root"]
        for node, known in self.base.items():
            if known["path"] == above and known["kind"] == "folder":
                return node
        return None

    def push_folders(self, new, local):
        for path in new:
            parent = self.folder_of(path)
            if local[path]["kind"] != "folder" or not parent:
                continue
            try:
                made = self.api.call("POST", "/v1/folders", {"parentFolderId": parent, "name": os.path.basename(path)})
                node = made["id"]
            except ApiError as e:
                if e.code != "already_exists" or not str(e.error.get("existingId", "")).startswith("fld_"):
                    continue
                node = e.error["existingId"]
            self.nodes[node] = {"kind": "folder", "parent": parent, "name": os.path.basename(path), "version": None,
                                "hash": None, "size": None}
            self.agree(node, path)

    def push_moves(self, new, local, missing):
        """A file that is missing at one path and new at another, by its inode, was moved."""
        inodes = {self.base[n]["inode"]: n for n in missing if self.base[n]["kind"] == "file"}
        rest = []
        for path in new:
            node = inodes.get(local[path]["inode"]) if local[path]["kind"] == "file" else None
            parent = self.folder_of(path)
            if not node or not parent:
                rest.append(path)
                continue
            try:
                self.api.call("PATCH", "/v1/files/" + node, {"parentFolderId": parent, "name": os.path.basename(path)})
            except ApiError:
                rest.append(path)
                continue
            missing.discard(node)
            self.base[node]["path"] = path
            self.nodes[node].update(parent=parent, name=os.path.basename(path))
        return rest

    def push_new(self, new):
        small = [p for p in new if self.folder_of(p) and os.path.getsize(self.path(p)) <= SMALL]
        if len(small) >= BATCH:
            for i in range(0, len(small), 50):
                self.push_batch(small[i:i + 50])
            new = [p for p in new if p not in small]
        for path in new:
            parent = self.folder_of(path)
            if parent:
                self.push_content(path, self.read(path), parentFolderId=parent, name=os.path.basename(path),
                                  baseVersionId=None)

    def push_batch(self, paths):
        contents = [self.read(p) for p in paths]
        packed = b"".join(len(c).to_bytes(4, "little") + c for c in contents if c)
        status, _, got = self.api.raw("POST", "/v1/chunks?folderId=" + self.folder_of(paths[0]), packed)
        if status != 200:
            raise ApiError(status, json.loads(got)["error"])
        operations = [{"op": "create", "parentFolderId": self.folder_of(p), "name": os.path.basename(p), "sizeBytes": len(c),
                       "chunks": [{"hash": hashlib.sha256(c).hexdigest(), "length": len(c)}] if c else [],
                       "onConflict": "rename"} for p, c in zip(paths, contents)]
        doc = self.api.call("POST", "/v1/files:commit-batch", {
            "workspaceId": self.workspace, "atomic": False, "stagingIds": [json.loads(got)["stagingId"]],
            "operations": operations})
        for path, content, operation, result in zip(paths, contents, operations, doc["results"]):
            if result["status"] == "ok":
                self.pushed(path, content, operation["parentFolderId"], result)

    def push_version(self, node, path):
        self.push_content(path, self.read(path), fileId=node, baseVersionId=self.base[node]["version"])

    def push_content(self, path, data, **where):
        parent = where.get("parentFolderId") or self.folder_of(path)
        try:
            result = self.api.upload(data, sha256=hashlib.sha256(data).hexdigest(), onConflict="rename", **where)
        except ApiError as e:
            if e.status not in (403, 404, 409):
                raise
            # It is gone, or not ours to write any more: from now on it is a file of this folder alone, and is sent as a new one.
            self.base.pop(where.get("fileId"), None)
            return
        self.pushed(path, data, parent, result)

    def pushed(self, path, data, parent, result):
        """A conflict copy has another name than what was sent: the local file takes it, and theirs comes with the next pull."""
        name, node = result["name"], result["fileId"]
        if name != os.path.basename(path):
            other = os.path.join(os.path.dirname(path), name)
            os.rename(self.path(path), self.path(other))
            for known in [i for i, k in self.base.items() if k["path"] == path]:
                del self.base[known]
            path = other
        self.nodes[node] = {"kind": "file", "parent": parent, "name": name, "version": result["versionId"],
                            "hash": hash_of(data), "size": len(data)}
        if os.path.lexists(self.path(path)):
            self.agree(node, path)
            # Edited while it was sent: the next push looks at the bytes.
            if hash_of(self.read(path)) != hash_of(data):
                self.base[node]["mtime"] = 0

    def push_deletions(self, missing):
        for node in sorted(missing, key=lambda i: self.base[i]["path"]):
            if node not in self.base:
                continue  # went with the folder above
            known = self.base[node]
            try:
                if known["kind"] == "folder":
                    self.api.call("DELETE", "/v1/folders/" + node, baseSequence=self.state["sequence"])
                    for below in [i for i, k in self.base.items() if k["path"].startswith(known["path"] + "/")]:
                        del self.base[below]
                else:
                    self.api.call("DELETE", "/v1/files/" + node, baseVersionId=known["version"])
            except ApiError as e:
                if e.status not in (403, 404, 409):
                    raise
                if e.status == 403:
                    # Not ours to delete, as what was shared by itself isn't: the next pull brings it back.
                    for below in [i for i, k in self.base.items() if (k["path"] + "/").startswith(known["path"] + "/")]:
                        del self.base[below]
                    continue
            # Where it was edited there meanwhile, the next pull brings it back.
            self.base.pop(node, None)
            self.forget(node)
            if known["kind"] == "file":
                continue

    # ---- both

    def sync(self, rounds=1):
        for _ in range(rounds):
            self.pull()
            self.push()
        self.pull()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("--endpoint", required=True)
    p.add_argument("--token", required=True)
    p.add_argument("--workspace", required=True)
    p.add_argument("--name", default=os.uname().nodename)
    p.add_argument("--once", action="store_true")
    args = p.parse_args()
    host, _, port = args.endpoint.partition(":")
    device = Device(args.folder, Sync(host, int(port), args.token, tries=8), args.workspace, args.name)
    device.sync()
    while not args.once:
        try:
            device.pull(wait=30)
            device.push()
        except (ConnectionError, OSError) as e:
            print("offline: %s" % e, file=sys.stderr)
            time.sleep(2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
