"""Chapter 2: linear algebra."""

from dlcompanion.linear_algebra.eigendecomposition import (
    Eigendecomposition,
    definiteness,
    eigendecomposition,
    quadratic_form,
    recompose,
    symmetric_eigendecomposition,
)
from dlcompanion.linear_algebra.norms import angle, frobenius_norm, lp_norm, max_norm
from dlcompanion.linear_algebra.pca import (
    PrincipalComponents,
    decode,
    deflation,
    encode,
    principal_components,
    reconstruct,
    reconstruction_error,
)
from dlcompanion.linear_algebra.pca_derivation import (
    code_gradient,
    code_objectives,
    direction_objectives,
)
from dlcompanion.linear_algebra.pseudoinverse import pseudoinverse, pseudoinverse_limit
from dlcompanion.linear_algebra.svd import SVD, svd, truncate, truncation_error

__all__ = [
    "SVD",
    "Eigendecomposition",
    "PrincipalComponents",
    "angle",
    "code_gradient",
    "code_objectives",
    "decode",
    "definiteness",
    "deflation",
    "direction_objectives",
    "eigendecomposition",
    "encode",
    "frobenius_norm",
    "lp_norm",
    "max_norm",
    "principal_components",
    "pseudoinverse",
    "pseudoinverse_limit",
    "quadratic_form",
    "recompose",
    "reconstruct",
    "reconstruction_error",
    "svd",
    "symmetric_eigendecomposition",
    "truncate",
    "truncation_error",
]
