"""The bundled data."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from dlcompanion.datasets import digits


def test_digits_are_those_of_scikit_learn():
    """Pixel by pixel and label by label, in the same order (section 2.12)."""
    library = load_digits()
    np.testing.assert_array_equal(digits().design_matrix, library.data)
    np.testing.assert_array_equal(digits().labels, library.target)


def test_digits_cannot_be_changed_for_everybody():
    assert digits() is digits()
    for array in digits():
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
