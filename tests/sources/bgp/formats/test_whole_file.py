"""Files that take their name when they are whole."""

import pytest

from duskwatch.sources.bgp.formats.whole_file import whole_file


def test_the_name_is_taken_at_the_end_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "out"
    with whole_file(path) as waiting:
        waiting.write_text("new")
        waiting.with_name("more").write_text("beside")
        assert waiting.parent.parent == tmp_path
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_raises_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "out"
    path.write_text("older")

    def written() -> None:
        with whole_file(path) as waiting:
            waiting.write_text("new")
            raise error

    with pytest.raises(error):
        written()
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed_be_there_something_or_not(tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "link"
    link.symlink_to("folder/real")
    for text in ("first", "second"):
        with whole_file(link) as waiting:
            waiting.write_text(text)
        assert (tmp_path / "folder" / "real").read_text() == text
        assert link.is_symlink()


def test_the_name_in_an_error_is_the_one_that_was_given(tmp_path):
    path = tmp_path / "no" / "out"
    with pytest.raises(FileNotFoundError) as raised, whole_file(path):
        pass
    assert raised.value.filename == str(path)
