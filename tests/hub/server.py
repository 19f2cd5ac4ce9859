"""A hub on loopback that speaks the calls of ``huggingface_hub`` over real HTTP, for tests, benchmarks and newcomers.

It keeps repositories, commits, branches, tags and large files as the Hugging Face Hub does, in a folder of its own,
and answers badly where it is told to:

    with LoopbackHub(folder) as hub:
        ...  # hub.url, hub.token, hub.calls, hub.store, hub.faults.plan(Fault("PUT /storage", status=503))

Datasets only; large files by plain LFS, since the Xet protocol is not spoken: clients need ``HF_HUB_DISABLE_XET=1``.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from collections.abc import Callable, Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub import answers
from tests.hub.faults import Faults
from tests.hub.store import Refused, Repository, Store
from tests.hub.wire import Wire

__all__ = ["LoopbackHub"]

USER = "newcomer"
GROUP = "workshop"
_REPO = r"/api/datasets/(?P<repo>[^/]+/[^/]+)"


class LoopbackHub:
    """A hub on a port of 127.0.0.1, in threads of its own.

    Parameters
    ----------
    folder : Path
        Where it keeps its bytes.
    port : int
        0 for any that is free.
    part_bytes : int, optional
        Size from which on large files are uploaded in parts.

    Attributes
    ----------
    token : str
        What clients must send to write; it may write to the names ``newcomer`` and ``workshop``.
    reader : str
        A token that may read and not write.
    calls : list of str
        ``METHOD /path`` of every request, in the order of arrival.
    """

    token = "hf_loopbackWriter00000000000000000000"  # noqa: S105  # opens nothing but this
    reader = "hf_loopbackReader00000000000000000000"

    def __init__(self, folder: Path, *, port: int = 0, part_bytes: int | None = None) -> None:
        self.store, self.faults, self.part_bytes = Store(folder), Faults(), part_bytes
        self.calls: list[str] = []
        handler = type("Handler", (_Handler,), {"hub": self, "faults": self.faults, "calls": self.calls})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="hub")

    @property
    def url(self) -> str:
        """What ``HF_ENDPOINT`` is to be set to."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def uploads(self) -> list[str]:
        """Calls that carried bytes of files, or made a commit."""
        return [call for call in self.calls if re.match(r"PUT /storage|POST .*/commit/", call)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(Wire):
    """The calls of the hub, found by method and path; what they answer is in :mod:`tests.hub.answers`."""

    hub: LoopbackHub

    def route(self, method: str, path: str) -> None:
        for verbs, pattern, action in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method in verbs.split():
                action(self, {name: unquote(value or "") for name, value in match.groupdict().items()})
                return
        raise Refused(404, "", f"the loopback hub does not speak {method} {path}")

    def _who(self) -> str | None:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if given and given not in (self.hub.token, self.hub.reader):
            raise Refused(401, "", "Invalid credentials in Authorization header")
        return given or None

    def _repository(self, name: str, *, write: bool = False) -> Repository:
        who = self._who()
        found = self.hub.store.repositories.get(name)
        if found is None or (found.private and who is None):
            raise Refused(404 if who else 401, "RepoNotFound", "Repository not found")
        if write:
            self._may_write(name.split("/", maxsplit=1)[0])
        return found

    def _may_write(self, owner: str) -> None:
        who = self._who()
        if who is None:
            raise Refused(401, "", "Unauthorized")
        if who != self.hub.token or owner not in (USER, GROUP):
            raise Refused(403, "", f"You don't have the rights to write in the namespace {owner!r}")

    # The calls.

    def whoami(self, _: Mapping[str, str]) -> None:
        who = self._who()
        if who is None:
            raise Refused(401, "", "Invalid username or password.")
        role = "write" if who == self.hub.token else "read"
        auth = {"type": "access_token", "accessToken": {"displayName": "loopback", "role": role}}
        orgs = [{"type": "org", "name": GROUP, "roleInOrg": "write"}]
        self.json({"type": "user", "name": USER, "fullname": USER, "orgs": orgs, "auth": auth})

    def create(self, _: Mapping[str, str]) -> None:
        body = self.given()
        owner = body.get("organization") or USER
        self._may_write(owner)
        name = f"{owner}/{body['name']}"
        private = body.get("visibility", "public") == "private"
        self.hub.store.create(name, private=private, author=USER)
        self.json({"url": f"{self.hub.url}/datasets/{name}", "name": name, "id": name})

    def validate_yaml(self, _: Mapping[str, str]) -> None:
        problems = answers.validate_yaml(self.given()["content"])
        errors = [{"message": each} for each in problems]
        self.json({"errors": errors, "warnings": []}, 400 if problems else 200)

    def info(self, given: Mapping[str, str]) -> None:
        repository = self._repository(given["repo"])
        commit = repository.at(given.get("revision") or "main")
        self.json(answers.info(repository, commit, blobs="blobs" in self.query))

    def tree(self, given: Mapping[str, str]) -> None:
        commit = self._repository(given["repo"]).at(given["revision"])
        recursive = self.query.get("recursive", ["false"])[0].lower() in ("true", "1")
        start = int(self.query.get("cursor", ["0"])[0])
        rows, more = answers.tree_page(commit, given["folder"], recursive=recursive, start=start)
        link = {}
        if more is not None:
            place = urlsplit(self.path).path
            link = {"Link": f'<{self.hub.url}{place}?recursive={recursive}&cursor={more}>; rel="next"'}
        self.json(rows, headers=link)

    def paths_info(self, given: Mapping[str, str]) -> None:
        form = parse_qs(self.body().decode())
        self.json(answers.paths_info(self._repository(given["repo"]).at(given["revision"]), form.get("paths", [])))

    def refs(self, given: Mapping[str, str]) -> None:
        self.json(answers.refs(self._repository(given["repo"])))

    def commits(self, given: Mapping[str, str]) -> None:
        found = self._repository(given["repo"]).history(given["revision"])
        self.json(
            [
                {"id": each.oid, "title": each.title, "message": each.description, "date": each.date,
                 "authors": [{"user": each.author}]}
                for each in found
            ]
        )  # fmt: skip

    def branch(self, given: Mapping[str, str]) -> None:
        repository = self._repository(given["repo"], write=True)
        if given["branch"] in repository.branches:
            raise Refused(409, "", "Reference already exists")
        repository.branches[given["branch"]] = repository.at(self.given().get("startingPoint") or "main").oid
        self.json({})

    def tag(self, given: Mapping[str, str]) -> None:
        repository = self._repository(given["repo"], write=True)
        name = self.given()["tag"]
        if name in repository.tags:
            raise Refused(409, "", "Tag reference exists already")
        repository.tags[name] = repository.at(given["revision"]).oid
        self.json({})

    def preupload(self, given: Mapping[str, str]) -> None:
        commit = self._repository(given["repo"], write=True).at(given["revision"])
        self.json(answers.preupload(commit, self.given()))

    def batch(self, given: Mapping[str, str]) -> None:
        self._repository(given["repo"], write=True)
        self.json(answers.batch_actions(self.hub.store, self.hub.url, self.given(), self.hub.part_bytes))

    def put_large(self, given: Mapping[str, str]) -> None:
        name = given["oid"] + (f".{given['part']}" if given.get("part") else "")
        partial = self.hub.store.folder / "parts" / f"{name}.{threading.get_ident()}"
        digest = hashlib.sha256()
        with partial.open("wb") as file:
            for block in self.blocks():
                digest.update(block)
                file.write(block)
        if given.get("part"):
            partial.replace(self.hub.store.folder / "parts" / name)
        elif digest.hexdigest() == given["oid"]:
            partial.replace(self.hub.store.large(given["oid"]))
        else:
            partial.unlink()
            raise Refused(400, "", "the bytes have another SHA-256 than they were announced with")
        self.send(200, b"", {"ETag": f'"{digest.hexdigest()}"'})

    def complete(self, given: Mapping[str, str]) -> None:
        folder = self.hub.store.folder / "parts"
        parts = [folder / f"{given['oid']}.{each['partNumber']}" for each in self.given()["parts"]]
        whole = folder / f"{given['oid']}.whole"
        with whole.open("wb") as file:
            for part in parts:
                with part.open("rb") as piece:
                    shutil.copyfileobj(piece, file)
        with whole.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != given["oid"]:
            raise Refused(400, "", "the parts do not make up the announced file")
        whole.replace(self.hub.store.large(given["oid"]))
        for part in parts:
            part.unlink()
        self.json({})

    def verify(self, given: Mapping[str, str]) -> None:
        path, size = self.hub.store.large(given["oid"]), self.given()["size"]
        if not path.is_file() or path.stat().st_size != size:
            raise Refused(404, "", "the file did not arrive whole")
        self.json({})

    def commit(self, given: Mapping[str, str]) -> None:
        repository = self._repository(given["repo"], write=True)
        made = answers.answer_commit(self.hub.store, repository, given["revision"], self.body(), USER)
        url = f"{self.hub.url}/datasets/{repository.name}/commit/{made.oid}"
        self.json({"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""})

    def resolve(self, given: Mapping[str, str]) -> None:
        commit = self._repository(given["repo"]).at(given["revision"])
        entry = commit.files.get(given["path"])
        if entry is None:
            raise Refused(404, "EntryNotFound", "Entry not found")
        headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{entry.lfs or entry.oid}"'}
        if entry.lfs:
            # The storage has another host name, as it has on the real hub, so that no token is sent there.
            place = self.hub.url.replace("127.0.0.1", "localhost")
            linked = {"X-Linked-ETag": f'"{entry.lfs}"', "X-Linked-Size": str(entry.size)}
            self.send(302, b"", {**headers, **linked, "Location": f"{place}/storage/{entry.lfs}"})
        else:
            self.file(self.hub.store.path_of(entry), headers)

    def get_large(self, given: Mapping[str, str]) -> None:
        path = self.hub.store.large(given["oid"])
        if not path.is_file():
            raise Refused(404, "", "no such file")
        self.file(path, {"ETag": f'"{given["oid"]}"'})


_Action = Callable[[_Handler, Mapping[str, str]], None]
_ROUTES: tuple[tuple[str, str, _Action], ...] = (
    ("GET", "/api/whoami-v2", _Handler.whoami),
    ("POST", "/api/validate-yaml", _Handler.validate_yaml),
    ("POST", "/api/repos/create", _Handler.create),
    ("GET", _REPO, _Handler.info),
    ("GET", rf"{_REPO}/revision/(?P<revision>[^/]+)", _Handler.info),
    ("GET", rf"{_REPO}/tree/(?P<revision>[^/]+)(?:/(?P<folder>.*))?", _Handler.tree),
    ("POST", rf"{_REPO}/paths-info/(?P<revision>[^/]+)", _Handler.paths_info),
    ("GET", rf"{_REPO}/refs", _Handler.refs),
    ("GET", rf"{_REPO}/commits/(?P<revision>[^/]+)", _Handler.commits),
    ("POST", rf"{_REPO}/branch/(?P<branch>[^/]+)", _Handler.branch),
    ("POST", rf"{_REPO}/tag/(?P<revision>[^/]+)", _Handler.tag),
    ("POST", rf"{_REPO}/preupload/(?P<revision>[^/]+)", _Handler.preupload),
    ("POST", rf"{_REPO}/commit/(?P<revision>[^/]+)", _Handler.commit),
    ("POST", r"/datasets/(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch", _Handler.batch),
    ("GET HEAD", r"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)", _Handler.resolve),
    ("PUT", r"/storage/(?P<oid>[0-9a-f]{64})(?:/(?P<part>\d+))?", _Handler.put_large),
    ("GET HEAD", r"/storage/(?P<oid>[0-9a-f]{64})", _Handler.get_large),
    ("POST", r"/complete/(?P<oid>[0-9a-f]{64})", _Handler.complete),
    ("POST", r"/verify/(?P<oid>[0-9a-f]{64})", _Handler.verify),
)
