"""Drive's API on one side, a folder that a sync client mirrors on the other: both may open the same part."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.store.rebuild import rebuild_notebooks
from tests.drive.mirrors import PART, Api, Mirror, Place, Side, come_to_rest, everybody_uploads, in_use
from tests.support.drive import StandIn
from tests.support.drive_queues import Machine, content, on_drive, put_queue
from tests.support.queues import ids_in, jobs_on_disk


@pytest.fixture
def place(drive: StandIn, tmp_path: Path) -> Iterator[Place]:
    made = Place(drive=drive, queue=put_queue(drive), root=tmp_path / "mirrors")
    yield made
    for mirror in made.mirrors:
        for bridge in mirror.opened:
            bridge.close()


def agree(place: Place, jobs: list[str], *sides: Side) -> None:
    """Everybody knows these jobs, and one file holds part 2 for everybody."""
    [part] = in_use(place)
    for side in sides:
        assert {line.id for line in side.bridge().jobs()} == set(jobs)
        if isinstance(side, Mirror):
            assert jobs_on_disk(side.client.folder) == dict.fromkeys(jobs, 1)
    first = ids_in(on_drive(place.drive, place.queue))
    assert sorted(first + ids_in(on_drive(place.drive, part))) == sorted(jobs)


@pytest.mark.parametrize("older", ["api", "mirror"])
def test_a_part_that_both_sides_open_at_once_comes_to_be_one_file(place: Place, here: Machine, older: str) -> None:
    mirror, api = place.mirror("b"), Api(machine=here, queue=place.queue)
    (mirror if older == "api" else api).later(60)
    jobs = [mirror.bridge().add("b 1"), mirror.bridge().add("b 2")]
    come_to_rest(place, mirror, api)
    jobs.append(mirror.bridge().add("b 3"))  # opens part 2
    mirror.sync(meanwhile=lambda: jobs.append(api.bridge().add("a 1")))  # opens it, too
    assert len(in_use(place)) == 2

    assert come_to_rest(place, mirror, api) <= 5

    agree(place, jobs, mirror, api)
    jobs += [api.bridge().add("a 2"), mirror.bridge().add("b 4")]
    come_to_rest(place, api, mirror)
    assert {line.id for line in api.bridge().jobs()} == {line.id for line in mirror.bridge().jobs()} == set(jobs)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_three_folders_and_an_api_that_open_a_part_at_once_agree_on_one_file(
    place: Place, here: Machine, order: tuple[int, ...]
) -> None:
    mirrors, api = [place.mirror(name) for name in "bcd"], Api(machine=here, queue=place.queue)
    jobs = [api.bridge().add("a 1"), api.bridge().add("a 2")]
    come_to_rest(place, api, *mirrors)
    for seconds, mirror in enumerate(mirrors):
        mirror.later(order[seconds])
        jobs.append(mirror.bridge().add(f"{seconds} opens part 2"))
    everybody_uploads(mirrors)
    assert len(in_use(place)) == 3

    come_to_rest(place, api, *mirrors)

    agree(place, jobs, api, *mirrors)


def test_two_folders_that_open_a_part_at_once_agree_without_any_api(place: Place) -> None:
    mirrors = [place.mirror(name) for name in "bc"]
    jobs = [mirrors[0].bridge().add("b 1"), mirrors[0].bridge().add("b 2")]
    come_to_rest(place, *mirrors)
    for mirror in mirrors:
        jobs.append(mirror.bridge().add("opens part 2"))
        mirror.later(1)
    everybody_uploads(mirrors)
    assert len(in_use(place)) == 2

    come_to_rest(place, *mirrors)

    agree(place, jobs, *mirrors)


@pytest.mark.parametrize("lag", [0, 12])
def test_a_part_that_a_person_puts_into_the_trash_is_made_anew_once(place: Place, here: Machine, lag: int) -> None:
    mirror, api = place.mirror("b"), Api(machine=here, queue=place.queue)
    jobs = [api.bridge().add(f"a {n}") for n in range(3)]
    come_to_rest(place, api, mirror)
    [part] = in_use(place)
    place.drive.files.trash(part)
    place.drive.files.listing.requests = place.drive.files.feed.requests = lag
    mirror.sync()
    mirror.bridge().store.publish()  # writes it again, and
    mirror.sync(meanwhile=api.turn)  # so does this one, before it is uploaded
    place.drive.files.listing.requests = place.drive.files.feed.requests = 0  # what was made before still shows late

    come_to_rest(place, mirror, api, at_least=1 + lag // 2)

    agree(place, jobs, mirror, api)


@pytest.mark.parametrize("made_anew", [False, True])
@pytest.mark.parametrize("older", ["api", "mirror"])
def test_a_second_copy_that_a_person_moves_back_among_the_parts_starts_no_quarrel(
    place: Place, here: Machine, older: str, made_anew: bool
) -> None:
    mirror, api = place.mirror("b"), Api(machine=here, queue=place.queue)
    (mirror if older == "api" else api).later(60)
    jobs = [mirror.bridge().add("b 1"), mirror.bridge().add("b 2")]
    come_to_rest(place, mirror, api)
    jobs.append(mirror.bridge().add("b 3"))
    mirror.sync(meanwhile=lambda: jobs.append(api.bridge().add("a 1")))
    come_to_rest(place, api, mirror)
    home, used = place.drive.files.get(place.queue).parents[0], in_use(place)
    if made_anew:
        place.drive.files.trash(used[0])
        come_to_rest(place, api, mirror)
    copies = place.drive.files.listed(lambda file: file.title.startswith(PART.removesuffix(".ipynb")))
    [aside, *_] = [file for file in copies if file.id not in used and not file.trashed]

    place.drive.files.move(aside.id, home)
    come_to_rest(place, mirror, api)

    agree(place, jobs, mirror, api)


@pytest.mark.parametrize("gone", ["trash", "delete"])
def test_a_folder_of_second_copies_that_is_gone_is_made_anew(place: Place, here: Machine, gone: str) -> None:
    api = Api(machine=here, queue=place.queue)
    api.bridge().add("one")
    home = place.drive.files.get(place.queue).parents[0]
    copies = []
    for _ in range(2):
        copies.append(place.drive.files.put("qwen_bridge (1).ipynb", content(place.drive, place.queue), parent=home))
        api.turn()
        [forks] = place.drive.files.get(copies[-1]).parents
        assert forks != home
        assert not place.drive.files.get(forks).trashed
        getattr(place.drive.files, gone)(forks)


def test_a_part_that_was_rebuilt_on_drive_is_a_new_file_and_the_damaged_one_stays_as_it_was(
    place: Place, here: Machine
) -> None:
    api = Api(machine=here, queue=place.queue)
    jobs = [api.bridge().add(f"{n}") for n in range(3)]
    [part] = in_use(place)
    place.drive.files.put(content=b"{", file_id=part)
    api.later(10)
    rebuild_notebooks(api.bridge().store)
    api.turn()
    assert content(place.drive, part) == b"{"
    agree(place, jobs, api)


def test_a_client_that_forgot_everything_and_uploads_a_part_again_makes_one_copy_and_no_quarrel(
    place: Place, here: Machine
) -> None:
    mirror, api = place.mirror("b"), Api(machine=here, queue=place.queue)
    jobs = [api.bridge().add(f"a {n}") for n in range(2)]
    come_to_rest(place, api, mirror)
    place.drive.files.listing.requests = 10
    jobs.append(api.bridge().add("opens part 2"))
    data = content(place.drive, in_use(place)[0])
    (mirror.client.folder / PART).write_bytes(
        data
    )  # it was copied here, but the client knows nothing of it, and no list shows it
    mirror.bridge().store.publish()
    mirror.sync()
    place.drive.files.listing.requests = 0
    assert len(in_use(place)) == 2

    come_to_rest(place, mirror, api, at_least=8)

    agree(place, jobs, mirror, api)
