"""The mazes' planned paths, tracked by MuJoCo's point mass (tasks layer; needs the extra `maze`)."""

from __future__ import annotations

import dataclasses
from contextlib import redirect_stderr
from functools import cached_property, lru_cache
from io import StringIO
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter1d
from tqdm import tqdm

from physlib.core.errors import PhyslibError
from physlib.tasks.base import TaskInfo, Trajectories
from physlib.tasks.maze import RADIUS, Maze, MediumMaze, UMaze, progress
from physlib.tasks.maze_geometry import Curves, cut_corners
from physlib.tasks.quantities import path_length

if TYPE_CHECKING:
    from mujoco import MjModel

STRIDE = 8  # steps of the simulator between the points of a path
TIMESTEP = 0.01  # s, the simulator's
GAIN, DAMPING = 10.0, 1.0  # motor signal per cell and per cell/s, as in Minari's scripts, which feed nothing forward
GEAR, JOINT_DAMPING = 100.0, 1.0  # of PointMaze's motors and joints
SMOOTHING = 6.0  # steps: standard deviation of the filter that rounds turns on the spot, which no motor can make
TOUCH = RADIUS + 0.004  # distance from a wall at which MuJoCo makes a contact: both geoms' margins of .002
REACH = 1.15  # longest plan over the longest path wanted: rounding its turns shortens a plan
BINS = 50  # of measured length, filled one by one
CHUNK = 1_000  # paths simulated at once
SPARE = 100  # paths simulated beyond those wanted, when few are
PATIENCE = 30  # rounds without a path that is wanted, after which the range counts as out of reach


@lru_cache
def simulator(maze_map: str) -> MjModel:
    """MuJoCo's model of a PointMaze, its two motors closed into a proportional-derivative controller.

    `maze_map` names a layout of Gymnasium-Robotics. A motor's signal is `GAIN (target - position) - DAMPING
    speed`, cut to [-1, 1] as there. Raises `PhyslibError` where the extra `maze` is not installed.
    """
    try:
        import mujoco

        with redirect_stderr(StringIO()):  # a notice on environments that are not used here
            from gymnasium_robotics.envs.maze import maps
            from gymnasium_robotics.envs.maze.point_maze import PointMazeEnv
    except ImportError as error:
        raise PhyslibError(
            f"{error.name} is missing: install MuJoCo's mazes with pip install 'physlib[maze]'."
        ) from None
    model = PointMazeEnv(maze_map=getattr(maps, maze_map)).model
    model.actuator_gaintype[:] = mujoco.mjtGain.mjGAIN_FIXED
    model.actuator_gainprm[:, 0] = GAIN
    model.actuator_biastype[:] = mujoco.mjtBias.mjBIAS_AFFINE
    model.actuator_biasprm[:, 1:3] = -GAIN / GEAR, -DAMPING / GEAR  # a motor's length and speed carry its gear
    model.actuator_ctrllimited[:] = 0  # the control is now a target; what is limited is the force
    model.actuator_forcelimited[:] = 1
    model.actuator_forcerange[:] = -1, 1
    return model


class PointMaze(Maze):
    """Plans of a kinematic maze tracked by a simulated point mass, selected until the *measured* length follows the prior.

    The nuisance variables are the planned length and the control points of the tour; given them, the
    simulator decides what the length is. A subclass supplies `kinematic`, the task that plans, and
    `maze_map`, the layout's name in Gymnasium-Robotics. `sample` raises `PhyslibError` where the extra `maze` is not installed.
    """

    kinematic: ClassVar[type[Maze]]
    maze_map: ClassVar[str]
    BANK = 5_000  # a simulated path costs a hundred kinematic ones

    @cached_property
    def scale(self):
        """As for the kinematic maze: what is relative to it can be read without MuJoCo."""
        return self.kinematic(self.lo, self.hi, self.prior.name).scale

    @property
    def longest(self):
        """Length of the longest plan, cells."""
        return REACH * self.hi

    def nuisance(self, q, rng):
        """A planned length, and control points of a tour that it fits in."""
        return np.concatenate([q[:, None], super().nuisance(q, rng)], axis=1)

    def plan(self, z: Float[np.ndarray, "N Z"]) -> Float[np.ndarray, "N S 2"]:
        """Where the agent should be at each step of the simulator."""
        curves = Curves(cut_corners(z[:, 1:].reshape(len(z), -1, 2)))
        share = progress((self.info.steps - 1) * STRIDE + 1)
        return gaussian_filter1d(curves.at(z[:, :1] * share, np.arange(len(z))), SMOOTHING, axis=1, mode="nearest")

    def track(self, z: Float[np.ndarray, "N Z"]) -> Float[np.ndarray, "N S 2"]:
        """Where the point mass is at each step of the simulator, started on the plan at rest."""
        import mujoco
        from mujoco.rollout import rollout

        model, plan = simulator(self.maze_map), self.plan(z)
        speed = np.gradient(plan, model.opt.timestep, axis=1)
        force = model.body_mass[-1] * np.gradient(speed, model.opt.timestep, axis=1) + JOINT_DAMPING * speed
        target = plan + (DAMPING * speed + force / GEAR) / GAIN  # what keeps a mass that is on the plan on it
        start = np.zeros((len(z), mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_FULLPHYSICS)))
        start[:, 1:3] = plan[:, 0]  # after the time come positions, then speeds
        states, _ = rollout(model, [mujoco.MjData(model)], start, np.ascontiguousarray(target[:, :-1]))
        return np.concatenate([plan[:, :1], states[:, :, 1:3]], axis=1)

    def generate(self, q, z):
        """The tracked plans of `z`. What they measure is not what was planned; `sample` knows."""
        return np.concatenate([self.track(z[i : i + CHUNK])[:, ::STRIDE] for i in range(0, len(z), CHUNK)])

    def sample(self, n, rng):
        """`n` tracked paths that touch no wall and follow the rule, as many in each bin of measured length as the prior puts there."""
        edges = np.linspace(self.lo, self.hi, BINS + 1)
        room, idle = np.histogram(self.prior_draws(n, rng), edges)[0], 0
        kept: list[Trajectories] = []
        with tqdm(total=n, desc=f"simulating {self.name}", leave=False, disable=n < CHUNK or None) as bar:
            while room.any():
                bins = np.resize(rng.permutation(np.repeat(np.arange(BINS), room)), min(CHUNK, room.sum() + SPARE))
                wanted = rng.uniform(edges[bins], edges[bins + 1])
                # a longer path turns more often: the longest are planned up to REACH times as long as wanted
                found = self._tracked(wanted * rng.uniform(1, 1 + (REACH - 1) * wanted / self.hi), rng)
                chosen, room = _fill(np.searchsorted(edges, found.q, side="right") - 1, room)
                kept.append(Trajectories(*(part[chosen] for part in found)))
                bar.update(int(chosen.sum()))
                idle = 0 if chosen.any() else idle + 1
                if idle == PATIENCE:
                    seconds = (self.info.steps - 1) * STRIDE * TIMESTEP
                    raise PhyslibError(
                        f"no drivable path of {edges[:-1][room > 0][-1]:.3g} cells was found in {idle * SPARE} tries: "
                        f"the point mass has {seconds:.3g} s for it, give a smaller hi."
                    )
        order = rng.permutation(n)
        return Trajectories(*(np.concatenate(parts)[order] for parts in zip(*kept, strict=True)))

    def _tracked(self, planned: Float[np.ndarray, " N"], rng: np.random.Generator) -> Trajectories:
        """Tracked plans that keep clear of the walls at every step of the simulator, and their measured lengths."""
        z = self.nuisance(planned, rng)
        path = self.track(z)
        x = path[:, ::STRIDE]
        good = (self.grid.clearance(path).min(axis=1) > TOUCH) & (self.residual(x) < self.info.threshold)
        return Trajectories(x[good], path_length(x[good]), z[good])


def _fill(bins: np.ndarray, room: np.ndarray) -> tuple[Bool[np.ndarray, " N"], np.ndarray]:
    """Which of the candidates, in order, still find room in their bin, and the room left after them."""
    order = np.argsort(bins, kind="stable")
    first = np.searchsorted(bins[order], bins[order])
    rank = np.empty(len(bins), dtype=int)
    rank[order] = np.arange(len(bins)) - first  # how many of the same bin came before
    inside = (bins >= 0) & (bins < len(room))
    chosen = inside & (rank < room[np.clip(bins, 0, len(room) - 1)])
    return chosen, room - np.bincount(bins[chosen], minlength=len(room))


def _tracked_facts(kinematic: type[Maze], title: str) -> TaskInfo:
    return dataclasses.replace(
        kinematic.info,
        title=title,
        rule=r"m \ddot x = 100\, \mathrm{clip}(10 (c_t - x) + \dot c_t - \dot x + u_t) - \dot x, \quad "
        r"u_t = (m \ddot c_t + \dot c_t) / 100, \quad \textstyle\sum_t |x_{t+1} - x_t| = q",
        nuisance="a tour and a planned length of at most 1.15 times the longest; the measured length is what is flat",
        regime="turns on the spot become turns that a motor can make",
        threshold_reason="at 1 the agent's disc touches a wall, or a step is a quarter longer than any in the longest plan",
    )


class PointUMaze(PointMaze):
    """UMaze in MuJoCo."""

    family = "pointmaze-umaze"
    kinematic, maze_map, layout = UMaze, "U_MAZE", UMaze.layout
    info = _tracked_facts(UMaze, "PointMaze's UMaze in MuJoCo")


class PointMediumMaze(PointMaze):
    """The Medium maze in MuJoCo."""

    family = "pointmaze-medium"
    kinematic, maze_map, layout = MediumMaze, "MEDIUM_MAZE", MediumMaze.layout
    info = _tracked_facts(MediumMaze, "PointMaze's Medium maze in MuJoCo")
