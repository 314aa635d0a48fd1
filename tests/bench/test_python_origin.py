"""The origin in Python serves what lies in its folder, and what is put there later."""

from pathlib import Path

from bench.python_origin import Folder


def test_a_file_that_came_later_is_there_and_one_beside_the_folder_is_not(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"no")
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"a")
    files = Folder(folder)
    (folder / "b.jpg").write_bytes(b"b")
    names = (b"a.jpg", b"b.jpg", b"c.jpg", b"../secret.jpg")
    assert [files.get(name) for name in names] == [b"a", b"b", None, None]
