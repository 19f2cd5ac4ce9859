"""The calls of the hub, one function each: what is asked of the store, and the JSON that is answered.

Written after the client of huggingface_hub 2.4: what it sends and what it reads. Where the real hub says more, this
one says less.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.hub.store import Commit, Entry, Refused, Repository, Store

__all__ = ["answer_commit", "batch_actions", "info", "paths_info", "preupload", "refs", "tree_page", "validate_yaml"]

_PAGE = 1000
_NAME_OF_CONFIG = re.compile(r"[^<>:/\\|?*]+")


def info(repository: Repository, commit: Commit, *, blobs: bool = False) -> dict[str, Any]:
    """``GET /api/datasets/{id}``: what a repository is and holds."""
    owner = repository.name.split("/")[0]
    siblings = []
    for path, entry in sorted(commit.files.items()):
        each: dict[str, Any] = {"rfilename": path}
        if blobs:
            each |= {"size": entry.size, "blobId": entry.oid}
            if entry.lfs:
                each["lfs"] = {"sha256": entry.lfs, "size": entry.size, "pointerSize": 134}
        siblings.append(each)
    return {
        "_id": commit.oid[:24],
        "id": repository.name,
        "author": owner,
        "sha": commit.oid,
        "private": repository.private,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "createdAt": repository.history(commit.oid)[-1].date,
        "lastModified": commit.date,
        "tags": [],
        "siblings": siblings,
    }


def tree_page(commit: Commit, folder: str, *, recursive: bool, start: int) -> tuple[list[dict[str, Any]], int | None]:
    """``GET …/tree/{revision}/{folder}``: at most a thousand entries from ``start``, and where the next begin."""
    prefix = f"{folder.rstrip('/')}/" if folder else ""
    inside = {path: entry for path, entry in commit.files.items() if path.startswith(prefix)}
    if folder and not inside:
        raise Refused(404, "EntryNotFound", f"{folder} does not exist on {commit.oid}")
    listed: dict[str, dict[str, Any]] = {}
    for path, entry in sorted(inside.items()):
        parts = path.removeprefix(prefix).split("/")
        for depth in range(1, len(parts) if recursive else min(2, len(parts))):
            above = prefix + "/".join(parts[:depth])
            listed.setdefault(above, {"type": "directory", "oid": "0" * 40, "size": 0, "path": above})
        if recursive or len(parts) == 1:
            listed[path] = entry_json(path, entry)
    rows = list(listed.values())
    return rows[start : start + _PAGE], start + _PAGE if start + _PAGE < len(rows) else None


def paths_info(commit: Commit, paths: list[str]) -> list[dict[str, Any]]:
    """``POST …/paths-info/{revision}``: those of the paths that are there."""
    found = []
    for path in paths:
        if path in commit.files:
            found.append(entry_json(path, commit.files[path]))
        elif any(each.startswith(f"{path.rstrip('/')}/") for each in commit.files):
            found.append({"type": "directory", "oid": "0" * 40, "size": 0, "path": path.rstrip("/")})
    return found


def entry_json(path: str, entry: Entry) -> dict[str, Any]:
    """A file as trees list it."""
    row: dict[str, Any] = {"type": "file", "oid": entry.oid, "size": entry.size, "path": path}
    if entry.lfs:
        row["lfs"] = {"oid": entry.lfs, "size": entry.size, "pointerSize": 134}
    return row


def refs(repository: Repository) -> dict[str, Any]:
    """``GET …/refs``: branches and tags."""
    return {
        "branches": [
            {"name": name, "ref": f"refs/heads/{name}", "targetCommit": oid}
            for name, oid in repository.branches.items()
        ],
        "tags": [
            {"name": name, "ref": f"refs/tags/{name}", "targetCommit": oid} for name, oid in repository.tags.items()
        ],
        "converts": [],
    }


def preupload(commit: Commit, body: Mapping[str, Any]) -> dict[str, Any]:
    """``POST …/preupload/{revision}``: how each file is to be sent, and what lies at its path now."""
    rows = []
    for each in body["files"]:
        there = commit.files.get(each["path"])
        oid = None if there is None else there.lfs or there.oid
        mode = Store.mode_of(each["path"], each["size"])
        rows.append({"path": each["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return {"files": rows}


def batch_actions(store: Store, base: str, body: Mapping[str, Any], part_bytes: int | None) -> dict[str, Any]:
    """``POST …/info/lfs/objects/batch``: where to put large files; nothing to do for those that are kept already.

    Parameters
    ----------
    part_bytes : int, optional
        Size from which on a file goes up in parts of that size.
    """
    rows = []
    for each in body["objects"]:
        row: dict[str, Any] = {"oid": each["oid"], "size": each["size"]}
        if not store.large(each["oid"]).is_file():
            upload: dict[str, Any] = {"href": f"{base}/storage/{each['oid']}"}
            if part_bytes is not None and each["size"] > part_bytes and "multipart" in body["transfers"]:
                parts = -(-each["size"] // part_bytes)
                numbers = {str(n): f"{base}/storage/{each['oid']}/{n}" for n in range(1, parts + 1)}
                upload = {
                    "href": f"{base}/complete/{each['oid']}",
                    "header": {"chunk_size": str(part_bytes), **numbers},
                }
            row["actions"] = {"upload": upload, "verify": {"href": f"{base}/verify/{each['oid']}"}}
        rows.append(row)
    return {"transfer": "basic", "objects": rows}


def answer_commit(store: Store, repository: Repository, branch: str, lines: bytes, author: str) -> Commit:
    """``POST …/commit/{revision}``: one JSON a line, the header first."""
    if branch not in repository.branches:
        raise Refused(404, "RevisionNotFound", f"Invalid rev id: {branch}")
    header: Mapping[str, Any] = {}
    files = dict(repository.at(branch).files)
    for line in lines.splitlines():
        each = json.loads(line)
        if each["key"] == "header":
            header = each["value"]
        else:
            _change(store, files, each["key"], each["value"])
    parent = header.get("parentCommit")
    if parent is not None and not repository.branches[branch].startswith(parent):
        raise Refused(412, "PreconditionFailed", "A commit has happened since. Please refresh and try again.")
    if "README.md" in files and files["README.md"] != repository.at(branch).files.get("README.md"):
        problems = validate_yaml(store.path_of(files["README.md"]).read_text(encoding="utf-8"))
        if problems:
            raise Refused(400, "InvalidMetadata", f"Invalid metadata in README.md: {problems[0]}")
    return store.commit(repository, branch, files, header["summary"], header.get("description", ""), author)


def _change(store: Store, files: dict[str, Entry], key: str, value: Mapping[str, Any]) -> None:
    path = value["path"]
    if key == "file":
        files[path] = store.put_blob(base64.b64decode(value["content"]))
    elif key == "lfsFile":
        files[path] = store.entry_of_large(value["oid"])
    elif key == "deletedFile" and files.pop(path, None) is None:
        raise Refused(404, "EntryNotFound", "A file with this name doesn't exist")
    elif key == "deletedFolder":
        for name in [name for name in files if name.startswith(path)]:
            del files[name]


def validate_yaml(content: str) -> list[str]:
    """``POST /api/validate-yaml``: what is wrong with a card's header; the fields that our cards have, and no more."""
    match = re.match(r"\A---\n(.*?)\n---\n", content, re.DOTALL)
    if match is None:
        return []
    try:
        header = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        return [f"the metadata is not valid YAML: {error}"]
    if not isinstance(header, dict):
        return ["the metadata is not a mapping"]
    problems = [
        f"{key!r} must be a string" for key in ("pretty_name", "license_name") if not _text(header.get(key, ""))
    ]
    if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", str(header.get("license", "other"))):
        problems.append("'license' must be one of the identifiers of the hub")
    problems += [f"size category {each!r} is not known" for each in header.get("size_categories", ())
                 if not re.fullmatch(r"n[<>]\d+[KMBT]|\d+[KMBT]?<n<\d+[KMBT]", str(each))]  # fmt: skip
    problems += [f"tag {each!r} must be a string" for each in header.get("tags", ()) if not _text(each)]
    for config in header.get("configs", ()):
        if not _NAME_OF_CONFIG.fullmatch(str(config.get("config_name", ""))):
            problems.append("'config_name' is missing or has a character that no file name may have")
        problems += ["'data_files' needs split and path" for each in config.get("data_files", ())
                     if set(each) != {"split", "path"}]  # fmt: skip
    return problems


def _text(value: Any) -> bool:
    return isinstance(value, str)
