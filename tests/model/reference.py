"""What a workspace is, in a few hundred lines: names, contents, trash, grants. Nothing is shared with the program but the contract.

Nodes are known by their paths here, so that steps can be left out when a failure is made smaller: a step means what is there when it runs.
A folder exists as long as something is below it, or it is explicit.
"""

ROLES = {None: 0, "viewer": 1, "editor": 2, "owner": 3}


def above(path):
    return path.rpartition("/")[0]


def base(path):
    return path.rpartition("/")[2]


def join(folder, name):
    return folder + "/" + name if folder else name


def below(path, folder):
    """path is folder, or lies in it."""
    return path == folder or not folder or path.startswith(folder + "/")


class File:
    def __init__(self, content):
        self.versions = [content]  # oldest first

    @property
    def content(self):
        return self.versions[-1]


class Reference:
    def __init__(self):
        self.files = {}  # path -> File
        self.explicit = set()  # paths of folders that stay when nothing is in them
        self.grants = {}  # principal -> {path of a folder or file, "" for all: role}
        self.trash = []  # dicts: kind, path, files, explicit, grants: relative to the path

    # ---- what is there

    def folders(self):
        found = set()
        for path in list(self.files) + [e + "/" for e in self.explicit]:
            path = above(path)
            while path:
                found.add(path)
                path = above(path)
        return found

    def is_folder(self, path):
        return path == "" or path in self.folders()

    def kind(self, path):
        return "file" if path in self.files else "folder" if self.is_folder(path) else None

    def bytes(self):
        return sum(len(f.content) for f in self.files.values())

    def tree(self):
        """What a listing shows: (kind, path, content)."""
        return {("file", p, f.content) for p, f in self.files.items()} | {("folder", p, None) for p in self.folders()}

    # ---- who may

    def role(self, who, path):
        """0 to 3; the owner and administrators have no entry and may everything."""
        if who not in self.grants:
            return 3
        return max([ROLES[r] for p, r in self.grants[who].items() if below(path, p)], default=0)

    def visible(self, who):
        return {t for t in self.tree() if self.role(who, t[1])}

    def refuses(self, who, path, needed=2):
        """How a call on a node answers where it is refused: 404 where nothing may be seen, 403 where the role is too small."""
        role = self.role(who, path)
        return 404 if role == 0 else 403 if role < needed else None

    # ---- what changes: each is called only where it is allowed

    def put(self, path, content, device=False):
        """device: by JSON, and what devices write into becomes explicit."""
        if device and path not in self.files:
            self.mark(above(path))
        if path in self.files:
            self.files[path].versions.append(content)
        else:
            self.files[path] = File(content)

    def mark(self, folder):
        if folder:
            self.explicit.add(folder)

    def delete_file(self, path):
        self._to_trash("file", path)

    def delete_folder(self, path):
        self._to_trash("folder", path)

    def _take(self, path):
        """Everything at and below a path, relative to it."""
        taken = {"files": {p[len(path):]: self.files.pop(p) for p in list(self.files) if below(p, path)},
                 "explicit": {p[len(path):] for p in self.explicit if below(p, path)},
                 "grants": {w: {p[len(path):]: g.pop(p) for p in list(g) if p and below(p, path)}
                            for w, g in self.grants.items()}}
        self.explicit = {p for p in self.explicit if not below(p, path)}
        return taken

    def _give(self, path, taken):
        self.files.update({path + p: f for p, f in taken["files"].items()})
        self.explicit |= {path + p for p in taken["explicit"]}
        for who, grants in taken["grants"].items():
            if who in self.grants:
                self.grants[who].update({path + p: r for p, r in grants.items()})

    def _to_trash(self, kind, path):
        self.trash.append(dict(self._take(path), kind=kind, path=path))
        self._forget_grants_of_gone_folders()

    def _forget_grants_of_gone_folders(self):
        """An implicit folder ends with what was in it, and its grants with it."""
        for grants in self.grants.values():
            for path in [p for p in grants if p and not self.kind(p)]:
                del grants[path]

    def undelete(self, index, path):
        self._give(path, self.trash.pop(index))

    def move(self, path, to):
        self.mark(above(to))
        taken = self._take(path)
        self._give(to, taken)
        self._forget_grants_of_gone_folders()

    def share(self, who, path, role):
        self.grants[who][path] = role

    def revoke(self, who, path):
        self.grants[who].pop(path, None)
