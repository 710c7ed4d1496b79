"""Small data: bundled with the package, never downloaded (`data/README.md` says where from)."""

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32


class Digits(NamedTuple):
    """Handwritten digits, one in each row of the design matrix (section 2.12)."""

    design_matrix: Float32[np.ndarray, "1797 64"]  # the pixels of 8 by 8, from 0 to 16
    labels: Int32[np.ndarray, "1797"]  # 0 to 9


@cache
def digits() -> Digits:
    """Return the 1,797 digits of scikit-learn's `load_digits`, in its order (section 2.12).

    The arrays are read-only, for every caller gets the same ones.
    """
    with (files("dlcompanion") / "data" / "digits.npz").open("rb") as file, np.load(file) as stored:
        pixels = stored["images"].reshape(-1, 64).astype(np.float32)
        labels = stored["labels"].astype(np.int32)
    pixels.setflags(write=False)
    labels.setflags(write=False)
    return Digits(pixels, labels)
