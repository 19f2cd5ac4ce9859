"""What is in the repository already, and what of ours differs from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contrafact.errors import HubError
from contrafact.publishing.contents import FOLDERS, ROOT_FILES, Item

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

__all__ = ["Difference", "Remote", "check_owner", "compare", "same_content"]

_ANYBODYS = {".gitattributes", ".gitignore", "README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"}
"""Files that a repository may have before anything was published in it."""


@dataclass(frozen=True)
class Remote:
    """One branch of a repository.

    Attributes
    ----------
    exists : bool
        Whether there is such a repository.
    head : str, optional
        The branch's newest commit; None where there is no such branch.
    files : mapping of path to RepoFile
    private : bool, optional
    dataset : str, optional
        Name of the dataset whose manifest lies there.
    identity : str, optional
        Its identity.
    """

    exists: bool = False
    head: str | None = None
    files: Mapping[str, RepoFile] = field(default_factory=dict)
    private: bool | None = None
    dataset: str | None = None
    identity: str | None = None


@dataclass(frozen=True)
class Difference:
    """What a push would do.

    Attributes
    ----------
    new, changed, same : sequence of Item
    gone : sequence of str
        Paths that the push takes away: ours of before that this dataset does not have.
    order : mapping of path to int
        Place of each item among all.
    """

    new: Sequence[Item]
    changed: Sequence[Item]
    same: Sequence[Item]
    gone: Sequence[str]
    order: Mapping[str, int]

    @property
    def sent(self) -> list[Item]:
        """What goes up: media and data before what tells of them."""
        return sorted((*self.new, *self.changed), key=lambda item: self.order[item.path])

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone)


def compare(items: Sequence[Item], remote: Remote, *, replace: bool = False) -> Difference:
    """What differs, by content: large files by SHA-256, others by git's own name of them.

    Parameters
    ----------
    replace : bool
        Whether everything that is not of this dataset is to go.
    """
    new: list[Item] = []
    changed: list[Item] = []
    same: list[Item] = []
    for item in items:
        there = remote.files.get(item.path)
        (new if there is None else same if same_content(item, there) else changed).append(item)
    ours = {item.path for item in items}
    gone = [path for path in sorted(remote.files) if path not in ours and (replace or _is_ours(path))]
    kept = (".gitattributes", ".gitignore")
    order = {item.path: place for place, item in enumerate(items)}
    return Difference(new, changed, same, [path for path in gone if path not in kept], order)


def check_owner(repository: str, name: str, items: Iterable[Item], remote: Remote) -> None:
    """Raise ``HubError`` where the repository holds another dataset, or files of somebody's own.

    A push that was cut off before its manifest went up is known by its files: all that are there are ours.
    """
    if remote.dataset is not None and remote.dataset != name:
        raise HubError(
            f"{repository} holds another dataset, {remote.dataset!r} (identity {remote.identity}); this is {name!r}",
            allowed="a new repository, or the one that this dataset was published in before",
            fix="push to another name; --replace takes away what is there (its history stays)",
        )
    if remote.dataset is None:
        known = {item.path: item for item in items}
        foreign = [
            path
            for path, there in sorted(remote.files.items())
            if path not in _ANYBODYS and not (path in known and same_content(known[path], there))
        ]
        if foreign:
            more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
            raise HubError(
                f"{repository} holds files that no push of this dataset put there: {', '.join(foreign[:3])}{more}",
                allowed="a new or empty repository",
                fix="push to another name; --replace takes away what is there (its history stays)",
            )


def same_content(item: Item, there: RepoFile) -> bool:
    """Whether a file that is there has an item's content."""
    if item.size != there.size:
        return False
    return item.sha256 == there.lfs.sha256 if there.lfs is not None else item.blob == there.blob_id


def _is_ours(path: str) -> bool:
    return path in ROOT_FILES or path.partition("/")[0] in FOLDERS
