"""Several quantities in one call, what to do next, pictures, and an exit code for a pipeline."""

import json

import numpy as np
import pytest

from physlib.audit import Audits, after, audit
from physlib.audit.report.figures import FIGURES
from physlib.audit.several import adjusted
from physlib.core.errors import PhyslibError
from physlib.tasks.scenes import Scene
from tests.conftest import physlib
from tests.test_audit import curves


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(after, "RESAMPLED", 10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("several"), np.random.default_rng(0)
    np.savez(folder / "demos.npz", x=curves(800, rng, 24))
    x = curves(600, rng, 24)
    np.save(folder / "same.npy", x)
    np.save(folder / "noisy.npy", x + 0.02 * rng.standard_normal(x.shape))
    (folder / "posts.csv").write_text("x,y\n0.0,0.0\n1.0,0.5\n")
    return folder


def test_false_discoveries_are_controlled_as_benjamini_and_hochberg_say():
    assert adjusted([0.01, None, 0.04, 0.03]) == [pytest.approx(0.03), None, pytest.approx(0.04), pytest.approx(0.04)]
    assert adjusted([None]) == [None]


def test_several_quantities_make_one_report_and_one_record(folder):
    words = "audit demos.npz --samples noisy.npy --quantity path_length,displacement,clearance --obstacles posts.csv"
    done = physlib(*words.split(), "--html", "r.html", "--json", "r.json", cwd=folder)
    record = json.loads((folder / "r.json").read_text())
    assert record["schema_version"] == 3
    assert [row["quantity"] for row in record["table"]] == ["path_length", "displacement", "clearance"]
    assert set(record["audits"]) == {"path_length", "displacement", "clearance"}
    assert record["audits"]["path_length"]["tv"] == record["table"][0]["tv"]
    assert "of 3 quantities have shifted" in done.stdout
    assert done.stderr == ""
    text = (folder / "r.html").read_text()
    assert text.index("<table>") < text.index('<details class="audit">') and text.count('<details class="audit">') == 3


@pytest.mark.parametrize(("samples", "bound", "code"), [("noisy", 0.1, 3), ("noisy", 0.99, 0), ("same", 0.0, 0)])
def test_a_pipeline_stops_at_a_shift_beyond_its_bound(samples, bound, code, folder):
    words = f"audit demos.npz --samples {samples}.npy --quantity path_length --fail-above {bound} --json {samples}.json"
    done = physlib(*words.split(), cwd=folder, check=False)
    assert done.returncode == code, done.stderr
    assert (folder / f"{samples}.json").exists()


BAD = [
    ("--quantity path_length,nothing", "unknown quantity 'nothing'"),
    ("--quantity clearance", "needs --obstacles"),
    ("--quantity clearance --obstacles none.csv", "check --obstacles"),
    ("--quantity clearance --obstacles demos.npz", "cannot read demos.npz"),
    ("--quantity mass_energy --masses 1,a", "cannot read --masses"),
    ("--quantity path_length --fail-above 0.1", "give --samples"),
    ("--quantity path_length --samples noisy.npy --fail-above nan", "no share of trajectories"),
    ("--quantity path_length --samples noisy.npy --groups a,b,c", "or two"),
    ("--quantity path_length --samples noisy.npy --samples-dt 0 --dt 1", "time step of 0"),
    ("--quantity ,", "no quantity is named"),
]


@pytest.mark.parametrize(("words", "sentence"), BAD)
def test_bad_words_get_one_sentence_and_no_file(words, sentence, folder):
    done = physlib("audit", "demos.npz", *words.split(), "--json", "bad.json", cwd=folder, check=False)
    assert done.returncode == 2
    assert sentence in done.stderr and "Traceback" not in done.stderr
    assert not (folder / "bad.json").exists()


def test_every_figure_is_drawn_for_light_and_heavy_tails():
    rng = np.random.default_rng(1)
    x = curves(600, rng, 16)
    heavy = x * rng.pareto(1.1, (600, 1, 1))
    for demos, drawn in (
        (x[:300], x[300:] + 0.03 * rng.standard_normal((300, 16, 2))),
        (heavy[:300], 1.5 * heavy[300:]),
    ):
        done = audit(demos, "path_length", drawn)
        for name in FIGURES:
            if name != "ladder" or done.record()["skill"] is not None:
                assert "<svg" in done.plot(name)._repr_html_()
    assert "logarithmic" in done.plot("histograms").finding
    still = np.where(np.arange(300)[:, None, None] % 2, x[:300], x[:300, :1])
    assert "logarithmic above 1 %" in audit(still, "path_length").plot("histograms").finding


def test_advice_follows_the_findings():
    rng = np.random.default_rng(2)
    x, y = curves(1_500, rng, 24), curves(1_000, rng, 24)

    def last(*words, **more):
        return audit(*words, **more).summary().split("\n")[-1]

    assert "storing trajectories as" in last(x, "path_length")
    assert last(x, "path_length", y).startswith("Use the model as it is")
    assert "100 at least" in last(x, "path_length", y[:50])
    noisy = y + 0.05 * x.std() * rng.standard_normal(y.shape)
    assert "representation" in last(x, "path_length", noisy, kernel="isotropic")
    assert "--groups" in last(x, "path_length", np.repeat(y[:100], 5, axis=0))
    assert "look at your files" in last(np.concatenate([x, 5_000 * x[..., :1]], axis=2), "path_length")


def test_several_in_python_are_listed_in_their_order():
    x = curves(300, np.random.default_rng(3), 16)
    found = audit(x, ["path_length", "clearance"], scene=Scene(obstacles=np.zeros((1, 2))))
    assert isinstance(found, Audits) and [a.demos.quantity.name for a in found] == ["path_length", "clearance"]
    assert "before training" in found.summary()
    with pytest.raises(PhyslibError, match="unknown quantity"):
        audit(x, ["path_length", "no"])
