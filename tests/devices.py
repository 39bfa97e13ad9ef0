#!/usr/bin/env python3
"""Two reference devices and an S3 writer on one workspace: random edits on all sides, offline at times, the daemon killed now and then; in
the end all have the same, and nothing that was saved anywhere is lost: it is there, in an older version, or in the trash.

  devices.py --build DIR [--rounds N] [--seed S] [--part converge|odd|shared|taken]

odd: names that sync can't carry. shared: who was given folders of a workspace. taken: names that something else took meanwhile.
"""

import argparse
import hashlib
import http.client
import os
import random
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("lib", "device"):
    sys.path.insert(0, os.path.join(HERE, folder))
from daemon import Daemon  # noqa: E402
from device import STATE, Device  # noqa: E402

CONFIG = "limits: {reserve_bytes: 16MiB, reserve_percent: 0}\ngc: {every: 0}\nlog: {access: false}\n"
NAMES = ["report.txt", "b", "c.jpg", "d e", "\u00fc"]
FOLDERS = ["", "one", "two", "one/deep"]


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Person:
    """Edits a device's folder as people do, whether it is online or not. saved: what was ever written there."""

    def __init__(self, device, rng):
        self.device, self.rng, self.saved = device, rng, set()

    def files(self):
        return [p for p, s in sorted(self.device.scan().items()) if s["kind"] == "file"]

    def edit(self):
        rng, device = self.rng, self.device
        roll, there = rng.random(), self.files()
        if roll < 0.5 or not there:
            folder = rng.choice(FOLDERS)
            os.makedirs(device.path(folder), exist_ok=True)
            path = os.path.join(folder, rng.choice(NAMES))
            if os.path.isdir(device.path(path)):
                return
            self.write(path, rng.randbytes(rng.choice([0, 20, 3000, 90000])))
        elif roll < 0.7:
            path = rng.choice(there)
            self.write(path, device.read(path)[:5000] + rng.randbytes(10))
        elif roll < 0.85:
            path = rng.choice(there)
            to = os.path.join(rng.choice(FOLDERS), "moved-%d" % rng.randrange(10 ** 6))
            os.makedirs(os.path.dirname(device.path(to)), exist_ok=True)
            os.rename(device.path(path), device.path(to))
        else:
            os.unlink(device.path(rng.choice(there)))

    def write(self, path, data):
        """By rename, as careful programs do; what it replaces was saved too."""
        temporary = self.device.path(STATE, "edit")
        with open(temporary, "wb") as f:
            f.write(data)
        os.rename(temporary, self.device.path(path))
        self.saved.add((path, data))


def tree_of(device):
    return {p: digest(device.read(p)) for p, s in device.scan().items() if s["kind"] == "file"}


def kept_hashes(api, workspace):
    """Every content that can still be had: current, older versions, trash."""
    entries, _, _ = api.tree(workspace)
    files = [e["id"] for e in entries if e["kind"] == "file"]
    found = {e.get("contentHash") for e in entries}
    after, trashed = None, []
    while True:
        doc = api.call("GET", "/v1/trash", workspaceId=workspace, after=after)
        files += [e["id"] for e in doc["entries"] if e["kind"] == "file"]
        trashed += [e["id"] for e in doc["entries"] if e["kind"] == "file"]
        after = doc["next"]
        if not after:
            break
    for i, file_id in enumerate(trashed):
        api.call("POST", "/v1/files/%s:undelete" % file_id, {"workspaceId": workspace, "parentFolderId": "root", "name": "trash-%d" % i})
    for file_id in files:
        found |= {v["contentHash"] for v in api.call("GET", "/v1/files/%s/versions" % file_id)["versions"]}
    return found


def run(args, folder, rng):
    daemon = Daemon(args.build, os.path.join(folder, "store"), os.path.join(folder, "fsd.log"), CONFIG)
    daemon.start()
    try:
        workspace = daemon.admin("workspace", "create", "shared")["workspaceId"]
        devices = [Device(os.path.join(folder, name), daemon.sync(tries=8, rng=random.Random(rng.random())), workspace, name)
                   for name in ("laptop", "phone")]
        people = [Person(d, random.Random(rng.random())) for d in devices]
        s3, written = daemon.client(), []
        for number in range(args.rounds):
            online = rng.random()
            for person in people:
                for _ in range(rng.randrange(4)):
                    person.edit()
            for _ in range(rng.randrange(3)):
                key, data = rng.choice(NAMES), rng.randbytes(200)
                if not any(k.startswith(key + "/") for k in FOLDERS):
                    try:
                        if s3.request("PUT", "/shared/" + key, body=data)[0] == 200:
                            written.append(data)
                    except (OSError, http.client.HTTPException):
                        s3 = daemon.client()
            if rng.random() < 0.1:
                daemon.kill()
                daemon.start()
            for i, device in enumerate(devices):
                if online < 0.2 * (i + 1) and number + 1 < args.rounds:
                    continue  # away this time
                for api in (device.api,):
                    api.host, api.port = "127.0.0.1", daemon.port
                device.sync()
            if rng.random() < 0.05:
                devices[0].state["cursor"] = None  # as after an expired one: list anew
        for _ in range(4):
            for device in devices:
                device.sync()
        one, two = map(tree_of, devices)
        there = {e["path"]: e["contentHash"] for e in daemon.sync().tree(workspace)[0] if e["kind"] == "file"}
        if one != two or one != there:
            print("not the same: laptop %s\nphone %s\nserver %s" % tuple(
                sorted(set(a.items()) ^ set(there.items()))[:8] for a in (one, two, there)))
            return 1
        kept = kept_hashes(daemon.sync(), workspace)
        for data in written:
            if digest(data) not in kept:
                print("lost: %d bytes that S3 wrote" % len(data))
                return 1
        out = daemon.fsctl("check")
        if out.returncode:
            print(out.stdout.decode())
            return 1
        print("# %d files, %d edits" % (len(one), sum(len(p.saved) for p in people)))
        return 0
    finally:
        if daemon.running():
            daemon.kill()


def settle(*devices):
    for _ in range(2):
        for device in devices:
            device.sync()


def wanted(device, **files):
    """The device has these files, by path with __ for a slash, and no others."""
    files = {p.replace("__", "/"): digest(data) for p, data in files.items()}
    assert tree_of(device) == files, (tree_of(device), files)


def odd(args, folder, rng):
    daemon = Daemon(args.build, os.path.join(folder, "store"), os.path.join(folder, "fsd.log"), CONFIG)
    daemon.start()
    try:
        workspace = daemon.admin("workspace", "create", "odd")["workspaceId"]
        s3 = daemon.client()

        def put(key, data=b"s3"):
            assert s3.request("PUT", "/odd/" + key, body=data)[0] == 200

        for key in ("x", "x/y", "x/z/deep", "a", "..", "b/c\x01", "b/d"):
            put(key)
        one, two = (Device(os.path.join(folder, n), daemon.sync(tries=8), workspace, n) for n in ("one", "two"))
        settle(one)
        wanted(one, a=b"s3", b__d=b"s3")
        assert sorted(one.skipped.values()) == ["file", "file", "file", "folder"], one.skipped
        # By the feed as by the listing, and while others change.
        put("late", b"1")
        settle(one, two)
        put("late/below", b"2")
        put("x/new")
        with open(one.path("mine"), "wb") as f:
            f.write(b"mine")
        settle(one, two)
        for device in (one, two):
            wanted(device, a=b"s3", b__d=b"s3", mine=b"mine", late=b"1")
        assert {e["path"] for e in daemon.sync().tree(workspace)[0]} >= {"x", "x/y", "x/z/deep", "late", "late/below"}
        # What is free again is synced, with what is below.
        for key in ("x", "late"):
            assert s3.request("DELETE", "/odd/" + key)[0] == 204
        settle(one, two)
        for device in (one, two):
            wanted(device, a=b"s3", b__d=b"s3", mine=b"mine", x__y=b"s3", x__z__deep=b"s3", x__new=b"s3", late__below=b"2")
        return 0
    finally:
        daemon.kill()


def shared(args, folder, rng):
    daemon = Daemon(args.build, os.path.join(folder, "store"), os.path.join(folder, "fsd.log"), CONFIG)
    daemon.start()
    try:
        workspace = daemon.admin("workspace", "create", "team")["workspaceId"]
        daemon.admin("user", "create", "kim")
        theirs = daemon.sync(tries=8)
        theirs.token = daemon.admin("token", "create", "kim")["token"]
        s3 = daemon.client()
        for key in ("deep/one/a", "deep/two/b", "deep/hidden", "other/one/c", "f", "g"):
            assert s3.request("PUT", "/team/" + key, body=key.encode())[0] == 200
        for path, role in (("deep/one/", "editor"), ("deep/two/", "viewer"), ("f", "editor")):
            daemon.admin("grant", "add", "team/" + path, "kim", role)
        owner = Device(os.path.join(folder, "owner"), daemon.sync(tries=8), workspace, "owner")
        kim = Device(os.path.join(folder, "kim"), theirs, workspace, "kim")
        settle(owner, kim)
        wanted(kim, one__a=b"deep/one/a", two__b=b"deep/two/b", f=b"f")
        # Edits go both ways; many small files are one batch.
        os.makedirs(kim.path("one/made"))
        more = {"one__made__%d" % i: b"%d" % i for i in range(12)}
        for path, data in dict(more, one__a=b"kim's", f=b"kim's too").items():
            with open(kim.path(path.replace("__", "/")), "wb") as f:
                f.write(data)
        with open(owner.path("deep/two/b"), "wb") as f:
            f.write(b"the owner's")
        settle(owner, kim, owner)
        wanted(kim, one__a=b"kim's", two__b=b"the owner's", f=b"kim's too", **more)
        assert owner.read("deep/one/made/7") == b"7" and owner.read("f") == b"kim's too"
        # What is not kim's to delete or to make comes back, or stays where it is.
        shutil.rmtree(kim.path("two"))
        with open(kim.path("beside"), "wb") as f:
            f.write(b"beside")
        settle(kim, owner)
        wanted(kim, one__a=b"kim's", two__b=b"the owner's", f=b"kim's too", beside=b"beside", **more)
        os.unlink(kim.path("beside"))
        # A second folder of one name waits; what moves away above is the same folder; a share's end takes it away.
        daemon.admin("grant", "add", "team/other/one/", "kim", "viewer")
        os.rename(owner.path("f"), owner.path("f2"))
        settle(owner, kim)
        wanted(kim, one__a=b"kim's", two__b=b"the owner's", f2=b"kim's too", **more)
        daemon.admin("grant", "remove", "team/deep/one/", "kim")
        settle(kim)
        wanted(kim, one__c=b"other/one/c", two__b=b"the owner's", f2=b"kim's too")
        # All of it, and parts again.
        daemon.admin("grant", "add", "team", "kim", "viewer")
        settle(kim)
        assert tree_of(kim) == tree_of(owner), (tree_of(kim), tree_of(owner))
        daemon.admin("grant", "remove", "team", "kim")
        settle(kim)
        wanted(kim, one__c=b"other/one/c", two__b=b"the owner's", f2=b"kim's too")
        return 0
    finally:
        daemon.kill()


def taken(args, folder, rng):
    daemon = Daemon(args.build, os.path.join(folder, "store"), os.path.join(folder, "fsd.log"), CONFIG)
    daemon.start()
    try:
        workspace = daemon.admin("workspace", "create", "taken")["workspaceId"]
        s3 = daemon.client()

        def put(key, data):
            assert s3.request("PUT", "/taken/" + key, body=data)[0] == 200

        def write(path, data):
            with open(away.path(path), "wb") as f:
                f.write(data)

        for key in ("a", "b", "f/c"):
            put(key, b"old")
        near, away = (Device(os.path.join(folder, n), daemon.sync(tries=8), workspace, n) for n in ("near", "away"))
        settle(near, away)
        # Folders and a file take the names of what is edited and made offline meanwhile.
        for path in ("a", "f/c"):
            os.unlink(near.path(path))
        settle(near)
        for key in ("a/below", "f/c/below", "new/below"):
            put(key, b"theirs")
        assert s3.request("DELETE", "/taken/b")[0] == 204
        put("b", b"theirs")
        for path in ("a", "b", "f/c", "new"):
            write(path, b"mine " + path.encode())
        settle(away, near, away)
        trees = [tree_of(d) for d in (near, away)]
        there = {e["path"]: e["contentHash"] for e in daemon.sync().tree(workspace)[0] if e["kind"] == "file"}
        assert trees[0] == trees[1] == there, (trees, there)
        copies = {p.split(" (conflict ")[0]: h for p, h in there.items() if " (conflict " in p}
        assert copies == {p: digest(b"mine " + p.encode()) for p in ("a", "b", "f/c", "new")}, there
        assert sorted(p for p in there if " (conflict " not in p) == ["a/below", "b", "f/c/below", "new/below"], there
        return 0
    finally:
        daemon.kill()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", required=True)
    p.add_argument("--rounds", type=int, default=25)
    p.add_argument("--seed", type=int)
    p.add_argument("--part", choices=("converge", "odd", "shared", "taken"), default="converge")
    args = p.parse_args()
    seed = args.seed if args.seed is not None else random.SystemRandom().getrandbits(32)
    print("# seed %d" % seed, flush=True)
    folder = tempfile.mkdtemp(prefix="fsd-devices-")
    try:
        return {"converge": run, "odd": odd, "shared": shared, "taken": taken}[args.part](args, folder, random.Random(seed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
