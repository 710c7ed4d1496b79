"""Chapter 4: numerical computation."""

from dlcompanion.numerical_computation.descent import (
    Status,
    Trajectory,
    converged_at,
    diverged_at,
    gradient_descent,
    line_search_descent,
    newton,
    status_of,
)
from dlcompanion.numerical_computation.quadratics import (
    Quadratic,
    best_learning_rate,
    critical_learning_rate,
    matrix_free_optimal_step,
    optimal_step,
    predicted_loss,
    quadratic,
    quadratic_from_hessian,
)

__all__ = [
    "Quadratic",
    "Status",
    "Trajectory",
    "best_learning_rate",
    "converged_at",
    "critical_learning_rate",
    "diverged_at",
    "gradient_descent",
    "line_search_descent",
    "matrix_free_optimal_step",
    "newton",
    "optimal_step",
    "predicted_loss",
    "quadratic",
    "quadratic_from_hessian",
    "status_of",
]
