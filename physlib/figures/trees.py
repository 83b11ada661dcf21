"""The decision tree of an audit as a drawing: which question, which command, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes

from physlib.figures.style import BLUE, INK, ORANGE, CaptionedFigure, Numbers, Origin, styled, subplots


@dataclass(frozen=True)
class Branch:
    """A question; what answers it on the command line, if it is not answered yet; and what to do where it is so."""

    question: str
    leaf: str
    command: str = ""


BRANCHES = (
    Branch("Do the files look odd?", "First look at your files", "physlib audit demos.npy --quantity Q"),
    Branch("No samples yet?", "Train, then audit the samples,\nor store as the report says"),
    Branch(
        "Do rows depend on each other?",
        "First say what makes trajectories\ndepend on each other",
        "... --samples generated.npy --groups G",
    ),
    Branch("Fewer than 100 trajectories?", "Get more trajectories"),
    Branch("Is there no shift?", "Use the model as it is"),
    Branch("Is nearly all in one bin?", "Train longer, or look for a bug"),
    Branch("Is it under twice its floor?", "Ask for more samples"),
    Branch("Does a small error not explain it?", "Look for another cause"),
    Branch("Do samples look wrong?", "Train longer, then\nchange the representation"),
    Branch("Is the shift made early?", "Look at data, conditioning\nand capacity", "... --redraw mymodel:redraw"),
)
OTHERWISE = "Change the representation,\nor train longer"
"""Where no question was answered with yes."""


def _box(ax: Axes, x: float, y: float, text: str, colour: str) -> None:
    look = {"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": colour, "alpha": 0.28}
    ax.text(x, y, text, va="center", ha="left", bbox=look, fontsize=9)


@styled
def audit_tree(name: str, origin: Origin) -> CaptionedFigure:
    """The questions of an audit from top to bottom, each with its way out to the right."""
    figure, axes = subplots(6.6, 0.62 * (len(BRANCHES) + 1) + 0.25)
    ax, numbers = axes[0, 0], Numbers()
    arrow = {"arrowstyle": "->", "color": INK, "lw": 1}
    for i, branch in enumerate(BRANCHES):
        _box(ax, 0.02, -i, branch.question, BLUE)
        _box(ax, 0.62, -i, branch.leaf, ORANGE)
        ax.annotate("", (0.6, -i), (0.43, -i), arrowprops=arrow)
        ax.text(0.51, -i + 0.08, "yes", fontsize=8, ha="center", va="bottom")
        ax.annotate("", (0.06, -i - 0.72), (0.06, -i - 0.28), arrowprops=arrow)
        ax.text(0.075, -i - 0.5, "no", fontsize=8, va="center")
        if branch.command:
            ax.text(0.13, -i + 0.5, branch.command, family="monospace", fontsize=8, va="center")
        numbers.add(question=[branch.question], yes=branch.leaf.replace("\n", " "), command=branch.command)
    _box(ax, 0.02, -len(BRANCHES), OTHERWISE, ORANGE)
    ax.set(xlim=(0, 1.06), ylim=(-len(BRANCHES) - 0.45, 0.7))
    ax.axis("off")
    told = "; ".join(f"{b.question} {b.leaf}" for b in BRANCHES).replace("\n", " ")
    finding = f"From top to bottom: {told}; else: {OTHERWISE}.".replace("\n", " ")
    alt = f"A ladder of {len(BRANCHES)} questions with a way out to the right of each. {told}."
    return CaptionedFigure(name, figure, finding, alt, origin, numbers)
