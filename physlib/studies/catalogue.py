"""What the book reads: every task and model that has runs, and those runs (running layer)."""

from __future__ import annotations

from physlib import tasks
from physlib.core.errors import PhyslibError
from physlib.models import DIFFUSIONS
from physlib.runs.config import FRESH_SEEDS, JUDGED_SEEDS, PILOT_SEEDS, Config
from physlib.runs.presets import resolve, seeds_of
from physlib.runs.summary import Keep
from physlib.studies.confounds import HALF, factors
from physlib.studies.remedies import experiments

TASKS = tasks.SYNTHETIC
"""The synthetic tasks, which every model is trained on."""
DIAL = (
    *("tent[0.7,0.9]", "tent[1.05,1.25]", "tent[1.3,1.5]", "tent[1.55,1.75]", "tent[1.8,2]"),
    *("logistic[2.6,2.8]", "logistic[3.1,3.3]", "logistic[3.4,3.6]", "logistic[3.6,3.8]", "logistic[3.8,4]"),
)
"""Ranges of equal width from regular to chaotic."""
MODELS = (*DIFFUSIONS, "diffusion-transformer", "flow-mlp", "autoregressive-transformer", "vae-mlp")
"""One or more models of each family, all trained on the synthetic tasks."""
TOYS = ("ring", "ring-polar")
"""The system solved in closed form, in the plane and in the coordinates that mend it."""
MAZES = ("maze-umaze", "maze-medium")
PLANNER = "planner-unet"
"""Trained on the first maze to plan between end points."""
POINT_MAZE = "pointmaze-umaze"
"""UMaze in MuJoCo."""
SPEED_MAZE = "maze-umaze-speed"
"""UMaze with the mean speed balanced."""
ARMS = ("arm-positions", "arm-steps")
"""A reaching arm as motion capture stores it, and in the steps that an audit recommends."""
PENDULUMS = (
    "pendulum-regular-state",
    "pendulum-regular-positions",
    "pendulum-chaotic-state",
    "pendulum-chaotic-positions",
)
WIDEST = 128
"""Width of the largest networks whose weights are stored."""
CELLS = (
    *((task, model) for model in MODELS for task in TASKS),
    *((system, "diffusion-unet") for system in (*MAZES, POINT_MAZE, *PENDULUMS)),
    *((system, "diffusion-mlp") for system in (MAZES[0], SPEED_MAZE, *PENDULUMS[:2])),
)
"""Every task and model that has judged and pilot runs at laptop."""


def cells(profile: str) -> tuple[tuple[str, str], ...]:
    """Every task and model that forecasts are judged on at a profile.

    At smoke, where judging takes longer than training, those are the first two models on the synthetic tasks and
    one maze. Raises `PhyslibError` at paper, which has a single run of each cell.
    """
    if profile == "paper":
        raise PhyslibError("nothing is judged at profile paper, which has single runs: use laptop.")
    return (*CELLS[: len(TASKS) * len(DIFFUSIONS)], (MAZES[0], "diffusion-unet")) if profile == "smoke" else CELLS


def families(profile: str) -> tuple[tuple[str, str], ...]:
    """Every synthetic task and model; at smoke most models on one task only."""
    pairs = CELLS[: len(TASKS) * len(MODELS)]
    return tuple(p for p in pairs if profile != "smoke" or p[1] in DIFFUSIONS or p[0] == TASKS[-1])


def fresh(task: str, model: str, profile: str) -> list[Config]:
    """Runs with seeds that no rule was found on: of the first model on the synthetic tasks, none at smoke."""
    if profile == "smoke" or task not in TASKS or model != MODELS[0]:
        return []
    return [resolve(task, model, profile, seed, n_probe=1_000) for seed in FRESH_SEEDS]


def dial(profile: str) -> dict[str, list[Config]]:
    """The runs of each range from regular to chaotic, at half the training; at smoke of the two last."""
    usual = {} if profile == "smoke" else HALF
    ranges = DIAL[-2:] if profile == "smoke" else DIAL
    return {name: [resolve(name, MODELS[0], profile, seed, **usual) for seed in seeds_of(profile)] for name in ranges}


def toys(profile: str) -> dict[str, list[Config]]:
    """The runs on the system solved in closed form."""
    return {toy: [resolve(toy, MODELS[0], profile, seed) for seed in seeds_of(profile)] for toy in TOYS}


def runs(profile: str) -> list[Config]:
    """Every run that the book keeps of a profile; of `paper` single ones, on mazes: what does longer training do?"""
    if profile == "paper":
        return [resolve(maze, "diffusion-unet", profile, seeds_of(profile)[0]) for maze in MAZES]
    pairs = dict.fromkeys((*cells(profile), *families(profile)))
    judged = [
        resolve(*pair, profile, seed, short)
        for pair in pairs
        for short in (False, True)
        for seed in seeds_of(profile, short)
    ]
    audited = [resolve(arm, MODELS[0], profile, seed) for arm in ARMS for seed in seeds_of(profile)]
    planned = [resolve(MAZES[0], PLANNER, profile, seed) for seed in seeds_of(profile)]
    tried = [c for factor in factors(profile) for level in factor.levels for c in factor.configs(level, profile)]
    single = [c for group in (toys(profile), dial(profile)) for configs in group.values() for c in configs]
    confirming = [c for pair in pairs for c in fresh(*pair, profile)]
    mitigated = [c for experiment in experiments(profile) for c in experiment.configs]
    # factors share the runs at their usual level, strategies those without any
    return list(dict.fromkeys([*judged, *audited, *planned, *single, *tried, *confirming, *mitigated]))


def keep(config: Config) -> Keep:
    """What a run stores beyond its summary.

    Weights: of the first pilot, whose deviations are a kernel, and of the first run of the models that the argument is
    made on; those of wide networks take megabytes. Trajectories: a thousand of the first run on an arm, to be audited.
    """
    pilot, first = config.role == "pilot", config.seed in (JUDGED_SEEDS[0], PILOT_SEEDS[0])
    own = config == resolve(config.task, config.model, config.profile, config.seed, pilot)
    argued = pilot or (config.task in TASKS and config.model in DIFFUSIONS)
    return Keep(
        others=not pilot and (own or not config.n_probe),
        weights=own and first and argued and config.width <= WIDEST,
        representation=first,
        trajectories=1_000 if own and first and config.task in ARMS else 48,
    )
