"""Speech: spectrograms against closed forms, the rate against the synthesiser's own times, models' parts, bad input."""

import dataclasses
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from physlib import tasks
from physlib.core.errors import PhyslibError
from physlib.core.rng import numpy_rng
from physlib.evaluation import speech as evaluation
from physlib.models import build, get_model
from physlib.models.speaker import PAIR
from physlib.runs.config import Config
from physlib.runs.setup import with_numbers
from physlib.runs.store import Result, Store
from physlib.studies import speech as study
from physlib.tasks import espeak
from physlib.tasks.espeak import SAMPLE_RATE, say
from physlib.tasks.spectrogram import BANDS, FLOOR, FRAME_RATE, filters, log_mel, sound
from physlib.tasks.speech import SCRIPT, syllables, unsaid, vowel_rate
from physlib.tasks.utterances import PACE, SILENT, SYLLABLES, phonemes, random_text, rate_of, span
from tests.conftest import physlib

SPEECH = tasks.get_task("speech")


@given(st.floats(300, 6_000))
def test_a_tone_is_heard_in_the_band_of_its_pitch(hertz):
    time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    frames = log_mel(0.5 * np.sin(2 * np.pi * hertz * time))
    bins = np.fft.rfftfreq(1_024, 1 / SAMPLE_RATE)
    middle = (filters() * bins).sum(axis=1)
    heard = frames[5:-5].mean(axis=0).argmax()
    assert abs(heard - np.abs(middle - hertz).argmin()) <= 1
    assert np.allclose(filters().sum(axis=1), 1)


def test_silence_is_the_floor():
    assert np.allclose(log_mel(np.zeros(5_000)), np.log10(FLOOR))


@given(st.floats(5, 20), st.floats(25, 60))
def test_the_span_is_read_between_frames(begin, end):
    # log power that rises and falls in straight lines through the threshold
    frame = np.arange(72)
    power = np.clip(np.minimum(frame - begin, end - frame), -1.2, 1.2) - 4.4
    x = np.concatenate([np.tile(power[:, None] - np.log10(BANDS), BANDS), np.zeros((72, 1))], axis=1)[None]
    assert span(x)[0][0] == pytest.approx(begin, abs=1e-6)
    assert span(x)[1][0] == pytest.approx(end, abs=1e-6)
    assert rate_of(x)[0] == pytest.approx(SYLLABLES * FRAME_RATE / (end - begin))


def test_silence_has_no_rate():
    x = np.full((1, 72, BANDS + 1), SILENT)
    x[..., BANDS] = 0
    assert np.isnan(rate_of(x)).all()
    assert np.isinf(SPEECH.residual(x)).all()


def test_the_rate_read_is_that_of_the_synthesiser_s_own_times():
    rng, true, read = np.random.default_rng(3), [], []
    for text in random_text(80, rng):
        said = say(phonemes(text), int(rng.uniform(PACE[1][1], 260)))
        frames = np.pad(log_mel(said.wave), ((0, 0), (0, 1)))[None]
        true.append(SYLLABLES / (said.starts[2 * SYLLABLES] - said.starts[0]))
        read.append(rate_of(frames)[0])
    left = np.sum((np.array(read) - true) ** 2)
    assert 1 - left / np.sum((np.array(true) - np.mean(true)) ** 2) > 0.985
    assert np.corrcoef(true, read)[0, 1] ** 2 > 0.99


def test_demonstrations_are_flat_and_sound_right():
    data = SPEECH.sample(1_000, numpy_rng(1, "flat"))
    assert kstest((data.q - 2.5) / 5.5, "uniform").statistic < 0.015
    assert np.array_equal(SPEECH.measure(data.x), data.q)
    assert (SPEECH.residual(data.x) < SPEECH.info.threshold).mean() > 0.99
    again = SPEECH.sample(1_000, numpy_rng(1, "flat"))
    assert np.array_equal(again.x, data.x)


def test_a_syllable_cut_out_is_missed():
    data = SPEECH.sample(50, numpy_rng(2, "cut"))
    stored = SPEECH.stored
    cut = stored.x[:50].copy()
    for i, order in enumerate(stored.order[:50]):
        kept = np.flatnonzero((order != 2) & (order != 3))
        cut[i] = np.concatenate([cut[i, kept], cut[i, -1:].repeat(72 - len(kept), axis=0)])
    _, sounds = SPEECH.nearest_sounds(cut)
    assert (syllables(sounds) == 3).mean() > 0.9
    assert (syllables(SPEECH.nearest_sounds(data.x)[1]) == 4).all()


def test_vowels_tell_the_rate_too():
    data = SPEECH.sample(200, numpy_rng(3, "vowels"))
    read = vowel_rate(SPEECH, data.x)
    assert np.corrcoef(read, data.q)[0, 1] ** 2 > 0.85
    assert abs(np.mean(read - data.q)) < 0.1


def test_sound_has_the_spectrogram_it_was_made_from():
    x = SPEECH.stored.x[3]
    frames = x[x[:, BANDS] < 0.5, :BANDS]
    again = log_mel(sound(frames))[: len(frames)]
    loud = frames > -4.5
    assert np.abs(again - frames)[loud].mean() < 0.25
    assert sound(frames).std() > 0.01


def test_small_sets_need_no_synthesiser_and_large_ones_say_what_is_missing():
    code = (
        "import sys; sys.modules['espeakng_loader'] = None\n"
        "import importlib.metadata as m; known = m.version\n"
        "def version(name):\n"
        "    if name == 'espeakng-loader': raise m.PackageNotFoundError(name)\n"
        "    return known(name)\n"
        "m.version = version\n"
        "import numpy as np; from physlib import get_task\n"
        "task = get_task('speech'); print(len(task.sample(200, np.random.default_rng(0)).q))\n"
        "task.sample(300, np.random.default_rng(0))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "200"
    assert "pip install 'physlib[speech]'" in done.stderr


def test_a_pace_without_effect_is_refused():
    with pytest.raises(PhyslibError, match="80 to 320"):
        espeak.say("t'A:", 500)


def inputs(n=16):
    data = SPEECH.sample(n, numpy_rng(5, "models"))
    return with_numbers(data.x, data.z[:, :SCRIPT])


def untrained(name, x, **options):
    torch.manual_seed(0)
    mean, std = x.mean(axis=(0, 1)), x.std(axis=(0, 1))
    return build(name, mean, std, 72, 32, 1, 1, **options).eval()


SPEAKERS = [row.name for row in map(get_model, ("tacotron", "tacotron-style", "durations-style"))]


@pytest.mark.parametrize("name", SPEAKERS)
def test_a_speaker_learns_and_speaks(name):
    x = torch.as_tensor(inputs(), dtype=torch.float32)
    model, rng = untrained(name, x.numpy()), torch.Generator().manual_seed(0)
    optimiser, losses = torch.optim.Adam(model.parameters(), 3e-3), []
    for _ in range(30):
        loss = model.loss(x, rng)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    said = model.sample(torch.as_tensor(unsaid(5, np.random.default_rng(0)), dtype=torch.float32), rng)
    assert said.shape == (5, *SPEECH.shape)
    assert said.isfinite().all()
    for part in get_model(name).parts:
        assert model.say_again(x, {part}, rng).shape == (16, *SPEECH.shape)


def test_attention_only_moves_forward_and_what_is_kept_is_kept():
    x = torch.as_tensor(inputs(), dtype=torch.float32)
    model, rng = untrained("tacotron-style", x.numpy()), torch.Generator().manual_seed(0)
    pairs, text, script = model.split(x)
    _, _, position = model.taught(model.memory(text, model.heard(pairs, script, rng)[0]), pairs, rng)
    assert (position.diff(dim=1) >= 0).all()
    assert torch.allclose(model.redraw(x, 0.0, rng), x[..., : BANDS + 1], atol=1e-4)
    half = model.redraw(x, 0.5, rng)
    assert torch.allclose(half[:, : 72 // 2], x[:, : 72 // 2, : BANDS + 1], atol=1e-4)
    assert not torch.allclose(half, x[..., : BANDS + 1], atol=1e-2)


def test_a_true_stop_is_obeyed():
    x = torch.as_tensor(inputs(), dtype=torch.float32)
    model, rng = untrained("tacotron", x.numpy()), torch.Generator().manual_seed(0)
    ended = model.say_again(x, {"frames", "advance"}, rng)[:, ::PAIR, BANDS] > 0.999
    true = x[:, ::PAIR, BANDS] > 0.5
    assert (ended[true]).all()


def told(parts, true, model="tacotron"):
    arrays = {"spoken/parts": np.array(parts, "f4"), "spoken/true": np.array(true, "f4")}
    return Result(Config("speech", model, "laptop", 0), arrays, {})


def test_parts_that_act_apart_get_their_own_shares():
    # scatters of 1 less what each part takes: .1, .2 and .3
    true = np.random.default_rng(0).uniform(3, 7, 400)
    takes = (0.1, 0.2, 0.3)
    parts = [
        true.mean() + (true - true.mean()) * (0.98 - sum(t for bit, t in enumerate(takes) if row >> bit & 1))
        for row in range(8)
    ]
    found = evaluation.part_shares(told(parts, true))
    assert found == pytest.approx({"none": 0.02, "advance": 0.1, "stop": 0.2, "frames": 0.3}, abs=1e-5)
    assert sum(found.values()) == pytest.approx(1 - evaluation.scatter(np.array(parts[-1:]), true)[0], abs=1e-5)
    assert evaluation.part_errors(told(parts, true))["frames"] > evaluation.part_errors(told(parts, true))["advance"]


@given(st.floats(0.2, 0.9), st.floats(0.02, 0.3))
def test_the_kernel_is_found_again(a, s):
    rng = np.random.default_rng(0)
    true = rng.uniform(2.5, 8, 20_000)
    made = np.exp(1.6 + a * (np.log(true) - 1.6) + s * rng.standard_normal(20_000))
    kernel = evaluation.SaidAgain.measured(told([made] * 8, true))
    assert kernel.a == pytest.approx(a, abs=0.03)
    assert kernel.b == pytest.approx(1.6 * (1 - a), abs=0.05)
    assert kernel.s == pytest.approx(s, rel=0.05)
    whole = evaluation.SaidAgain(1.0, 0.0, 0.0).mass(0)
    assert np.abs(whole - SPEECH.bins.reference).max() < 0.002


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tent", "--model", "tacotron"), "tent has none: give speech"),
        (("speech[2.5,9]", "--model", "tacotron"), r"within \[2.5,8\]"),
        (("speech", "--model", "tacotron", "--set", "n_probe=20"), "n_probe means nothing for tacotron"),
        (("speech", "--model", "tacotron-style", "--set", "mitigation=condition"), "condition"),
    ],
)
def test_what_cannot_be_run_is_said_in_a_sentence(words, said):
    done = physlib("run", *words, "--profile", "smoke", "--seed", "0", check=False)
    assert done.returncode == 2
    assert re.search(said, done.stderr)
    assert "Traceback" not in done.stderr


def test_what_was_sealed_is_what_the_pilots_say():
    record = evaluation.sealed("laptop")
    for model in study.READERS:
        pilots = [Store.of("laptop").get(config) for config in study.pilots(model, "laptop")]
        assert record["models"][model]["pilots"] == [run.config.key for run in pilots]
        told = [evaluation.SaidAgain.measured(run) for run in pilots]
        for one, was in zip(told, record["models"][model]["measured"], strict=True):
            assert dataclasses.asdict(one) == pytest.approx(was, rel=1e-6)
        for mass in record["models"][model]["mass"].values():
            assert sum(mass) == pytest.approx(1, abs=1e-3)


def test_nothing_is_sealed_twice():
    with pytest.raises(PhyslibError, match="sealed once"):
        evaluation.seal("laptop")
