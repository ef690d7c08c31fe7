import pytest

from demo_project.weather.files import FileRefusedError, locate


@pytest.fixture
def dirs(tmp_path):
    places = [tmp_path / "data", tmp_path / "uploads"]
    for place in places:
        place.mkdir()
    (tmp_path / "secret.csv").write_text("secret")
    (places[1] / "mine.csv").write_text("mine")
    return places


def test_a_name_is_found_in_any_of_the_directories(dirs):
    assert locate("mine.csv", dirs) == dirs[1] / "mine.csv"


def test_a_name_that_no_disk_can_hold_is_left_to_the_reader(dirs):
    assert locate("x" * 900, dirs).parent == dirs[0]


def test_an_absolute_path_inside_is_allowed(dirs):
    assert locate(str(dirs[1] / "mine.csv"), dirs) == dirs[1] / "mine.csv"


def test_a_missing_file_inside_is_allowed_and_left_to_the_reader(dirs):
    assert locate("gone.csv", dirs) == dirs[0] / "gone.csv"


@pytest.mark.parametrize(
    "path", ["../secret.csv", "/etc/passwd", "a/../../secret.csv", "", " ", "a\x00b"]
)
def test_anything_else_is_refused(dirs, path):
    with pytest.raises(FileRefusedError):
        locate(path, dirs)


def test_the_refusal_does_not_tell_whether_the_file_exists(dirs):
    messages = set()
    for path in ("../secret.csv", "../gone.csv"):
        with pytest.raises(FileRefusedError) as caught:
            locate(path, dirs)
        messages.add(str(caught.value))

    assert len(messages) == 1


def test_a_link_that_leads_out_is_refused(dirs):
    (dirs[1] / "link.csv").symlink_to(dirs[1].parent / "secret.csv")

    with pytest.raises(FileRefusedError):
        locate("link.csv", dirs[1:])


def test_a_directory_whose_name_begins_alike_is_outside(dirs, tmp_path):
    (tmp_path / "data-private").mkdir()

    with pytest.raises(FileRefusedError):
        locate(str(tmp_path / "data-private" / "x.csv"), dirs)


def test_without_directories_nothing_is_read():
    with pytest.raises(FileRefusedError, match="no directory at all"):
        locate("mine.csv", [])
