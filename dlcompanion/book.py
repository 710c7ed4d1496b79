"""The book's coordinates."""

# The chapters that have a notebook and the subpackage (the room) that holds their mathematics.
ROOMS = {
    2: "linear_algebra",
    3: "probability",
    4: "numerical_computation",
    5: "machine_learning",
    6: "feedforward_networks",
    7: "regularization",
    8: "optimization",
}
