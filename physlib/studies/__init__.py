"""Which runs the book is made of; the names below are public."""

from physlib.core.imports import public

__getattr__, __dir__, __all__ = public(
    __name__,
    {
        "catalogue": ("CONFIRMING", "DIAL", "PLANNER", "TOYS", "dial", "families", "toys"),
        "confounds": ("factors", "usual"),
        "forecasts": (
            *("DIFFUSIONS", "MAZES", "MODELS", "PENDULUMS", "POINT_MAZE", "SPEED_MAZE", "TASKS"),
            *("fresh", "groups"),
        ),
        "mechanism": ("FLAT", "SMOOTH", "compared", "followed"),
        "remedies": ("experiments",),
        "speech": ("speech",),
        "video": ("video",),
    },
)
