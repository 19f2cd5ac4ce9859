"""A finished run directory to the Hub: compared with what is there, sent in batches, committed at once.

Files go up before the commit that names them, so that readers see the dataset as it was or as it is, never half of it.
A push that was cut off continues: what is stored on the hub already is asked for and not sent again. Only beyond a
thousand changed files there are several commits, media first and the manifest last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contrafact.card import Home
from contrafact.errors import HubError, RunDirectoryError, TransientError
from contrafact.publishing.checks import check_columns, check_name, check_revision, check_secrets, large_cells
from contrafact.publishing.contents import Item, contents_of
from contrafact.publishing.hub import Hub, endpoint
from contrafact.publishing.licences import check_licences
from contrafact.publishing.readme import card_to_push
from contrafact.publishing.remote import Difference, Remote, check_owner, compare
from contrafact.publishing.telling import inputs_of
from contrafact.recipe import load_recipe
from contrafact.store.layout import RunDirectory, read_manifest

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

__all__ = ["Pushed", "Settings", "Watch", "push"]

COMMIT_FILES = 1000
"""Files that one commit names at the most."""

_BATCH_FILES, _BATCH_BYTES = 100, 256 << 20

Watch = Callable[[str, int, int], None]
"""Told how it goes: a word or a sentence, bytes done and bytes in all."""


@dataclass(frozen=True)
class Settings:
    """How a dataset is pushed.

    Attributes
    ----------
    private : bool, optional
        Of a new repository, which is private unless this is False. One that exists stays as it is.
    revision : str
        Branch; made from ``main`` where there is none of that name.
    tag : str, optional
        A name for the commit that comes of it.
    hidden : bool
        Whether the hidden truth goes up too.
    replace : bool
        Whether another dataset in the repository may be taken away.
    override_licence : bool
        Publish although a licence forbids it.
    dry_run : bool
        Compare and write nothing.
    """

    private: bool | None = None
    revision: str = "main"
    tag: str | None = None
    hidden: bool = False
    replace: bool = False
    override_licence: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Pushed:
    """What a push did, or in a dry run would do.

    Attributes
    ----------
    url : str
        The page of the dataset, at the branch.
    commit : str, optional
        The newest commit of the branch; None in a dry run of what is not there yet.
    difference : Difference
        What was sent, what was there already, what went.
    created : bool
        Whether the repository is new.
    private : bool
    identity : str
    before : str, optional
        Identity of the version that it took the place of.
    tag : str, optional
    notes : list of str
        What its publisher should know.
    compared : bool
        False in a dry run that did not reach the hub.
    """

    url: str
    commit: str | None
    difference: Difference
    created: bool
    private: bool
    identity: str
    before: str | None = None
    tag: str | None = None
    notes: list[str] = field(default_factory=list)
    compared: bool = True


def push(
    path: str | Path, repository: str, settings: Settings | None = None, watch: Watch = lambda what, done, total: None
) -> Pushed:
    """Publish a finished dataset on the Hub.

    Parameters
    ----------
    path : path
        The run directory.
    repository : str
        ``namespace/name``.

    Raises
    ------
    RunDirectoryError
        Where it is no run directory, or an unfinished or damaged one.
    LicenceError
        Where a licence forbids it.
    HubError
        Where there is no token, or the hub refuses: a name, a right, a repository of another dataset.
    DataError
        For a column with a name that the Hub rejects.
    UserError
        Where a text that would go up holds what looks like a key.
    TransientError
        Where the hub is down, slow or busy; the same call continues.
    """
    settings = settings or Settings()
    check_name(repository)
    check_revision(settings.revision, "branch")
    if settings.tag is not None:
        check_revision(settings.tag, "tag")
    directory = RunDirectory(Path(path))
    manifest = read_manifest(directory)
    if not directory.recipe.is_file():
        raise RunDirectoryError(f"{directory.recipe} is missing", fix="put the recipe back, or build the dataset anew")
    recipe = load_recipe(str(directory.recipe))[0]
    licences = inputs_of(recipe, manifest.get("about", {}))
    notes = check_licences(recipe.licence, licences, overridden=settings.override_licence)
    revision = None if settings.revision == "main" else settings.revision
    home = Home(repository, revision, settings.hidden, endpoint())
    card, edited = card_to_push(directory, manifest, recipe, home)
    if edited:
        notes.append("README.md was changed by hand: it goes up as it is")
    items = contents_of(directory, manifest, recipe, home, card)
    hub = Hub(repository, settings.revision, lambda text: watch(text, 0, 0), (items[-1], manifest))
    if not settings.dry_run:
        hub.need_token()
    check_secrets(items, hub.token())
    with hub.bounded():
        return _Push(hub, settings, manifest, items, watch, notes).run()


@dataclass
class _Push:
    hub: Hub
    settings: Settings
    manifest: Mapping[str, Any]
    items: Sequence[Item]
    watch: Watch
    notes: list[str]

    def run(self) -> Pushed:
        remote, compared = self._first_look()
        difference = self._difference(remote)
        self._check_tag(remote, difference)
        self._check_files(difference)
        done = self._said(remote, difference, compared=compared)
        if self.settings.dry_run:
            return done
        self._make(remote)
        commit = self.hub.patiently(self._bring) if difference else remote.head
        self._tag(commit)
        return replace(done, commit=commit)

    def _first_look(self) -> tuple[Remote, bool]:
        try:
            return self.hub.look(), True
        except (HubError, TransientError) as error:
            if not self.settings.dry_run:
                raise
            self.notes.append(f"not compared with the hub: {error.what}")
            return Remote(), False

    def _difference(self, remote: Remote) -> Difference:
        if not self.settings.replace:
            check_owner(self.hub.repository, self.manifest["name"], self.items, remote)
        asked = self.settings.private
        if remote.exists and asked is not None and remote.private is not None and asked != remote.private:
            word = "private" if asked else "public"
            raise HubError(
                f"{self.hub.repository} exists and is {'private' if remote.private else 'public'}, not {word}",
                allowed="a push leaves that as it is",
                fix=f"hf repos settings {self.hub.repository} --repo-type dataset --{word}, then push without --{word}",
            )
        return compare(self.items, remote, replace=self.settings.replace)

    def _check_tag(self, remote: Remote, difference: Difference) -> None:
        """A tag is never moved: whoever used it would get something else under the same name."""
        if self.settings.tag is None or not remote.exists:
            return
        refs = self.hub.patiently(lambda: self.hub.api.list_repo_refs(self.hub.repository, repo_type="dataset"))
        there = next((each.target_commit for each in refs.tags if each.name == self.settings.tag), None)
        if there is not None and (difference or there != remote.head):
            raise HubError(
                f"the tag {self.settings.tag!r} is there already and names another version ({there[:8]})",
                allowed=f"a tag that is none of {', '.join(each.name for each in refs.tags)}",
                fix="give this version a name of its own",
            )

    def _check_files(self, difference: Difference) -> None:
        """What goes up is looked into; what is there already was."""
        tables = [each.content for each in difference.sent if each.path.endswith(".parquet")]
        paths = [path for path in tables if isinstance(path, Path)]
        check_columns(paths)
        self.notes.extend(large_cells(paths))

    def _said(self, remote: Remote, difference: Difference, *, compared: bool) -> Pushed:
        settings, identity = self.settings, self.manifest["identity"]
        private = bool(remote.private) if remote.exists else settings.private is not False
        before = remote.identity if remote.identity != identity else None
        branch = "" if settings.revision == "main" else f"/tree/{settings.revision}"
        return Pushed(
            f"{self.hub.url}{branch}", remote.head, difference, not remote.exists, private, identity, before,
            settings.tag, self.notes, compared,
        )  # fmt: skip

    def _make(self, remote: Remote) -> None:
        """The repository and the branch, where they are not there."""
        api, name = self.hub.api, self.hub.repository
        if not remote.exists:
            private = self.settings.private is not False
            self.hub.patiently(lambda: api.create_repo(name, repo_type="dataset", private=private, exist_ok=True))
        if remote.head is None and self.settings.revision != "main":
            branch = self.settings.revision
            self.hub.patiently(lambda: api.create_branch(name, repo_type="dataset", branch=branch, exist_ok=True))

    def _bring(self) -> str | None:
        """Send what differs, and commit. Called again after a failure, it looks again: nothing is sent twice."""
        remote = self.hub.look_once()  # tried again as a part of this
        difference = compare(self.items, remote, replace=self.settings.replace)
        sent, total = difference.sent, sum(item.size for item in difference.sent)
        done, head = 0, remote.head
        waiting: list[CommitOperationAdd | CommitOperationDelete] = []
        for batch in _batches(sent):
            self.watch(batch[0].path, done, total)
            operations = [_operation(item) for item in batch]
            self._upload(operations)
            done += sum(item.size for item in batch)
            if len(waiting) + len(operations) > COMMIT_FILES:
                head = self._commit(waiting, head, "part of ")
                waiting = []
            waiting += operations
        if sent:
            self.watch("committing", done, total)
        return self._commit([*waiting, *_deletions(difference)], head)

    def _upload(self, operations: list[CommitOperationAdd]) -> None:
        self.hub.api.preupload_lfs_files(
            self.hub.repository,
            operations,
            repo_type="dataset",
            revision=self.settings.revision,
            free_memory=False,
        )

    def _commit(
        self, operations: list[CommitOperationAdd | CommitOperationDelete], head: str | None, part: str = ""
    ) -> str | None:
        if not operations:
            return head
        made = self.hub.api.create_commit(
            self.hub.repository,
            operations,
            commit_message=part + commit_title(self.manifest),
            commit_description=commit_text(self.manifest),
            repo_type="dataset",
            revision=self.settings.revision,
            parent_commit=head,
        )
        return str(made.oid)

    def _tag(self, commit: str | None) -> None:
        tag, api = self.settings.tag, self.hub.api
        if tag is not None:
            self.hub.patiently(
                lambda: api.create_tag(
                    self.hub.repository, repo_type="dataset", tag=tag, revision=commit, exist_ok=True
                )
            )


def commit_title(manifest: Mapping[str, Any]) -> str:
    """Name, size and identity of what is pushed."""
    return f"{manifest['name']}: {manifest['accepted']:,} pairs, identity {manifest['identity']}"


def commit_text(manifest: Mapping[str, Any]) -> str:
    """What the commit holds, for its history."""
    splits = ", ".join(f"{split} {count:,}" for split, count in manifest["splits"].items())
    sources = ", ".join(f"{source} {count:,}" for source, count in manifest["label_sources"].items())
    return (
        f"Made by contrafact {manifest['code_version']} with seed {manifest['seed']}.\n"
        f"{manifest['proposed']:,} pairs proposed = {manifest['accepted']:,} accepted"
        f" + {manifest['rejected']:,} rejected.\n"
        f"Splits: {splits}. Label sources: {sources}."
    )


def _batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    size = 0
    for item in items:
        if batch and (len(batch) == _BATCH_FILES or size + item.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item.size
    if batch:
        yield batch


def _operation(item: Item) -> CommitOperationAdd:
    """The file as the client takes it. Raises ``RunDirectoryError`` where it is not what the manifest says."""
    from huggingface_hub import CommitOperationAdd

    made = CommitOperationAdd(item.path, item.content)
    if item.listed is not None and made.upload_info.sha256.hex() != item.listed:
        raise RunDirectoryError(
            f"{item.path} was changed since the dataset was built",
            allowed="the file that the manifest lists",
            fix="contrafact validate says what is wrong; build again into another --out",
        )
    return made


def _deletions(difference: Difference) -> list[CommitOperationDelete]:
    from huggingface_hub import CommitOperationDelete

    return [CommitOperationDelete(path, is_folder=False) for path in difference.gone]
