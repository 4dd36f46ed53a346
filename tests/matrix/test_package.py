"""requirements.txt and plugins.zip as Amazon MWAA wants them, and what is refused with which words."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

from image import constraints, package, wheel  # noqa: E402
from image.catalogue import IMAGES, NEWEST_IMAGE, UnsupportedError, find  # noqa: E402
from support.wheel_file import GOOD, VERSION, make_wheel  # noqa: E402

IMAGE = find("3.3.1")


@pytest.fixture
def constraints_directory(tmp_path, monkeypatch):
    """A MWAA_CONSTRAINTS_DIR with files for 3.3.1."""
    folder = tmp_path / "constraints"
    (folder / IMAGE.airflow).mkdir(parents=True)
    (folder / IMAGE.airflow / "constraints.txt").write_text("Flask==3.1.3\nCelery==5.6.3\nrequests==2.32.5\n")
    monkeypatch.setenv("MWAA_CONSTRAINTS_DIR", str(folder))
    return folder


def test_requirements_as_mwaa_documents_them(tmp_path):
    requirements, archive = package.write_package(IMAGE, make_wheel(tmp_path), tmp_path / "out")
    assert requirements.read_text().splitlines() == [
        "# Amazon MWAA 3.3.1: Airflow 3.3.1, Python 3.12",
        '--constraint "https://raw.githubusercontent.com/apache/airflow/constraints-3.3.1/constraints-3.12.txt"',
        "--find-links /usr/local/airflow/plugins",
        "",
        f"/usr/local/airflow/plugins/{GOOD}",
    ]
    with zipfile.ZipFile(archive) as content:
        assert content.namelist() == [GOOD]
        assert content.read(GOOD) == (tmp_path / GOOD).read_bytes()


@pytest.mark.parametrize("image", [i for i in IMAGES if i.mwaa], ids=lambda i: i.airflow)
def test_each_image_gets_its_own_constraints(tmp_path, image):
    requirements, _ = package.write_package(image, make_wheel(tmp_path), tmp_path / "out")
    text = requirements.read_text()
    assert text.startswith(f"# Amazon MWAA {image.airflow}: Airflow {image.airflow}, Python {image.python}\n")
    assert f"constraints-{image.airflow}/constraints-{image.python}.txt" in text


def test_the_committed_requirements_are_those_of_the_newest_image(tmp_path):
    made, _ = package.write_package(NEWEST_IMAGE, make_wheel(tmp_path), tmp_path / "out")
    assert (wheel.ROOT / "requirements.txt").read_text() == made.read_text(), "write it anew with: make lock"


def test_without_internet_everything_is_in_the_zip(tmp_path, constraints_directory):
    requirements, archive = package.write_package(IMAGE, make_wheel(tmp_path), tmp_path / "out", offline=True)
    lines = requirements.read_text().splitlines()
    assert lines[:4] == [
        "# Amazon MWAA 3.3.1: Airflow 3.3.1, Python 3.12",
        '--constraint "/usr/local/airflow/plugins/mwaalib-constraints.txt"',
        "--find-links /usr/local/airflow/plugins",
        "--no-index",
    ]
    with zipfile.ZipFile(archive) as content:
        assert "requests==2.32.5" in content.read("mwaalib-constraints.txt").decode()


def test_same_input_gives_the_same_bytes(tmp_path):
    built = make_wheel(tmp_path)
    first = package.write_package(IMAGE, built, tmp_path / "a")[1].read_bytes()
    built.touch()
    assert package.write_package(IMAGE, built, tmp_path / "b")[1].read_bytes() == first


def test_own_plugins_and_requirements_are_kept(tmp_path):
    own = tmp_path / "own"
    (own / "operators").mkdir(parents=True)
    (own / "operators" / "mine.py").write_text("x = 1\n")
    (own / ".DS_Store").write_text("")
    (own / "mwaalib-0.0.1-cp310-abi3-manylinux_2_28_x86_64.whl").write_text("an older one")
    (tmp_path / "mine.txt").write_text("mwaalib==0.0.1\nduckdb==1.4.0\n")
    requirements, archive = package.write_package(
        IMAGE,
        make_wheel(tmp_path),
        tmp_path / "out",
        own_plugins=own,
        own_requirements=tmp_path / "mine.txt",
    )
    assert requirements.read_text().splitlines()[-2:] == [
        f"/usr/local/airflow/plugins/{GOOD}",
        "duckdb==1.4.0",
    ]
    with zipfile.ZipFile(archive) as content:
        assert sorted(content.namelist()) == [GOOD, "operators/mine.py"]


@pytest.mark.parametrize(
    ("name", "machine", "said"),
    [
        (f"mwaalib-{VERSION}-cp310-abi3-macosx_11_0_arm64.whl", 0x3E, "Amazon MWAA runs Linux on x86_64"),
        (f"mwaalib-{VERSION}-cp310-abi3-linux_x86_64.whl", 0x3E, "takes manylinux wheels"),
        (f"mwaalib-{VERSION}-cp310-abi3-manylinux_2_39_x86_64.whl", 0x3E, r"glibc 2\.34"),
        (f"mwaalib-{VERSION}-cp310-abi3-manylinux_2_28_aarch64.whl", 0xB7, "x86_64"),
        (f"mwaalib-{VERSION}-cp313-cp313-manylinux_2_28_x86_64.whl", 0x3E, r"runs Python 3\.12"),
        (GOOD, 0xB7, "for aarch64"),
        ("numpy-2.0-cp310-abi3-manylinux_2_28_x86_64.whl", 0x3E, "not a wheel of mwaalib"),
    ],
)
def test_wheel_for_another_platform_is_refused(tmp_path, name, machine, said):
    with pytest.raises(UnsupportedError, match=said) as caught:
        package.write_package(IMAGE, make_wheel(tmp_path, name, machine), tmp_path / "out")
    assert "make wheel" in str(caught.value)
    assert not (tmp_path / "out").exists(), "nothing half-done is left"


def test_wheel_of_the_images_own_python_is_accepted(tmp_path):
    name = f"mwaalib-{VERSION}-cp312-cp312-manylinux_2_28_x86_64.whl"
    assert wheel.check_wheel(make_wheel(tmp_path, name), IMAGE).python == (3, 12)


def test_a_damaged_wheel_is_refused(tmp_path):
    path = make_wheel(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UnsupportedError, match="no readable wheel"):
        wheel.check_wheel(path, IMAGE)


def test_the_name_of_a_missing_wheel_is_said(tmp_path):
    with pytest.raises(UnsupportedError, match=r"none\.whl does not exist"):
        wheel.check_wheel(tmp_path / "none.whl", IMAGE)
    with pytest.raises(UnsupportedError, match="make wheel"):
        wheel.find_wheel(tmp_path)


@pytest.mark.parametrize("version", ["2.7.2", "4.0", "latest", ""])
def test_unsupported_airflow_names_those_supported(version):
    with pytest.raises(UnsupportedError, match=r"2\.9\.2, 2\.10\.1.*3\.3\.1"):
        find(version)


def test_unsupported_python_is_refused():
    with pytest.raises(UnsupportedError, match=r"3\.3\.1 runs Python 3\.12, not 3\.9"):
        find("3.3.1", "3.9")


@pytest.fixture
def made(tmp_path):
    """A good pair of files."""
    package.write_package(IMAGE, make_wheel(tmp_path), tmp_path / "out")
    return tmp_path / "out"


def rezip(archive: Path, names: dict[str, bytes]) -> None:
    with zipfile.ZipFile(archive, "w") as content:
        for name, data in names.items():
            content.writestr(name, data)


def test_truncated_zip(made):
    archive = made / "plugins.zip"
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(UnsupportedError, match="no readable zip file"):
        package.check_package(made, IMAGE)


def test_flipped_byte_in_the_zip(made):
    archive = made / "plugins.zip"
    data = bytearray(archive.read_bytes())
    data[200] ^= 0xFF
    archive.write_bytes(bytes(data))
    with pytest.raises(UnsupportedError, match=f"{GOOD} is damaged"):
        package.check_package(made, IMAGE)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({f"plugins/{GOOD}": b""}, "at its root; it is at plugins/"),
        ({"mine.py": b""}, "there is none in it"),
        ({GOOD: b"", GOOD.replace("cp310", "cp311"): b""}, "2 wheels"),
        ({GOOD: b"", "../evil.py": b""}, "leave the plugins folder"),
        ({GOOD.replace(VERSION, "9.9.9"): b""}, r"does not ask for /usr/\S+/mwaalib-9\.9\.9"),
    ],
)
def test_zip_that_pip_would_not_find_the_wheel_in(made, names, said):
    rezip(made / "plugins.zip", names)
    with pytest.raises(UnsupportedError, match=said) as caught:
        package.check_package(made, IMAGE)
    assert "make mwaa MWAA_VERSION=3.3.1" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# Amazon MWAA 3.3.1: Airflow 3.3.1", "# Amazon MWAA 3.2.1: Airflow 3.2.1", "not for Airflow 3.3.1"),
        ("/usr/local/airflow/plugins/mwaalib-", "mwaalib==", "does not ask for /usr/local"),
        ("--constraint", "#", "no --constraint line"),
        ("constraints-3.3.1", "constraints-3.2.1", r"neither that of Airflow 3\.3\.1"),
    ],
)
def test_requirements_that_mwaa_would_trip_over(made, old, new, said):
    path = made / "requirements.txt"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UnsupportedError, match=said):
        package.check_package(made, IMAGE)


def test_constraints_directory_that_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("MWAA_CONSTRAINTS_DIR", str(tmp_path / "none"))
    with pytest.raises(constraints.ConstraintsError, match="not a directory"):
        constraints.constraints_text(IMAGE, tmp_path)


def test_essential_constraints_are_those_mwaa_does_not_let_go(constraints_directory):
    text = constraints_directory.joinpath("3.3.1/constraints.txt").read_text()
    assert constraints.essential_text(IMAGE, text).split() == [
        "apache-airflow==3.3.1",
        "Flask==3.1.3",
        "Celery==5.6.3",
    ]


def test_command_line_says_one_line(tmp_path):
    command = [
        sys.executable,
        str(TOOLS / "make_mwaa.py"),
        "--airflow",
        "2.8.1",
        "--output",
        str(tmp_path / "o"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("make mwaa: Airflow '2.8.1' is not")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "o").exists()
