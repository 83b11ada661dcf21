"""Which part of a model of speech changes the speaking rate: fresh utterances, said again with some parts as they truly were.

Arrays (`U` utterances, `P` parts of the model, `L` levels of its probe; float32): `spoken/true` `(U,)`, their rates;
`spoken/parts` `(2^P, U)`, rates of what the model makes of them, row i with its own doing in the parts whose bits are set
in i; `spoken/redrawn` `(L, U)`, rates as the model redraws them at each decision level. Rates are syllables a second, NaN for silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from physlib.core.rng import numpy_rng, torch_rng
from physlib.models import get_model
from physlib.runs.config import Config
from physlib.runs.setup import with_numbers
from physlib.tasks.speech import SCRIPT, Speech

if TYPE_CHECKING:
    from physlib.models.speaker import Speaker


def speaking(model: Speaker, task: Speech, config: Config) -> dict[str, np.ndarray]:
    """Rates of utterances said again; nothing where the configuration asks for none."""
    import torch

    if not config.n_plans:
        return {}
    data = task.sample(config.n_plans, numpy_rng(config.seed, "utterances said again"))
    x = torch.as_tensor(with_numbers(data.x, data.z[:, :SCRIPT]), dtype=torch.float32, device=model.device)
    rng = torch_rng(config.seed, "said again", model.device.type)

    def rates(made: torch.Tensor) -> np.ndarray:
        return task.measure(made.cpu().double().numpy())

    row = get_model(config.model)
    own = [{part for bit, part in enumerate(row.parts) if i >> bit & 1} for i in range(2 ** len(row.parts))]
    found = {
        "true": data.q,
        "parts": [rates(model.say_again(x, some, rng)) for some in own],
        "redrawn": [rates(model.redraw(x, level, rng)) for level in row.probe.decision],
    }
    return {f"spoken/{name}": np.asarray(values, dtype=np.float32) for name, values in found.items()}
