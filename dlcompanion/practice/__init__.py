"""Exercises, checked, and predictions, committed to before they are revealed."""

from dlcompanion.practice import checks
from dlcompanion.practice.cards import check, hint, solution
from dlcompanion.practice.exercise import Exercise, Verdict, Wrong
from dlcompanion.practice.overview import progress
from dlcompanion.practice.predictions import predict

__all__ = [
    "Exercise",
    "Verdict",
    "Wrong",
    "check",
    "checks",
    "hint",
    "predict",
    "progress",
    "solution",
]
