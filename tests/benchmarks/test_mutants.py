"""The sample of faults: the same for the same seed, inside functions, and put where it says."""

from pathlib import Path

import pytest

from benchmarks.mutants.covering import PACKAGES, modules, stages

ROOT = Path(__file__).resolve().parents[2]
SOURCE = """LIMIT = 3


def over(values: list[int | None], limit: int = 4 - 1) -> bool:
    total: int | None = 0
    for value in values:
        if value is not None and not value < 0:
            total = total + value
    return total > limit
"""


@pytest.fixture
def project(tmp_path):
    pytest.importorskip("cosmic_ray", reason="cosmic-ray is not installed (make mutants installs it)")
    (tmp_path / "over.py").write_text(SOURCE)
    return tmp_path


def test_faults_are_put_into_bodies_of_functions_and_not_into_annotations(project):
    from benchmarks.mutants.sample import changed_lines, mutants_of, mutated

    mutants = mutants_of(project, "over.py")
    pairs = {changed_lines(SOURCE, mutated(SOURCE, mutant)) for mutant in mutants}
    assert ("total = total + value", "total = total - value") in pairs
    assert ("return total > limit", "return total >= limit") in pairs
    assert ("if value is not None and not value < 0:", "if value is not None or not value < 0:") in pairs
    assert not [line for line, _ in pairs if line.startswith(("LIMIT", "def "))]
    assert ("total: int | None = 0", "total: int & None = 0") not in pairs
    assert not [other for _, other in pairs if "not not" in other]


def test_a_sample_is_the_same_for_the_same_seed_and_takes_each_place_once(project):
    from benchmarks.mutants.sample import draw, mutants_of

    mutants = mutants_of(project, "over.py")
    first, again, other = (draw(mutants, 5, seed) for seed in (1, 1, 2))
    assert first == again != other
    everywhere = draw(reversed(mutants), 1000, 1)
    places = [(mutant.begin, mutant.end) for mutant in everywhere]
    assert len(places) == len(set(places)) == len({(mutant.begin, mutant.end) for mutant in mutants})


def test_every_module_has_tests_and_the_nearest_come_first():
    for module in modules(ROOT, PACKAGES):
        assert stages(ROOT, module), module
    near, wide = stages(ROOT, "src/duskwatch/detection/fusing/phases.py")
    assert near == ["tests/detection/fusing/test_phases.py"]
    assert "tests/detection/fusing/test_ending.py" in wide
    (own, *_, users) = stages(ROOT, "src/duskwatch/kernels/delegated.py")
    assert own == ["tests/kernels/test_delegated.py"]
    assert users == ["tests/sources/reference/test_delegated.py"]
