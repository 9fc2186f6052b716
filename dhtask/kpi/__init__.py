"""The key performance indicators of the DeepHealth project, as formulas and as a ledger that measures them.

=================  ==========================================================================
``toppi``          time of pre-processing images: T1 (people design and implement the pipeline)
                   plus T2 (the pipeline runs over all images of the dataset)
``totm``           time of training models: the training procedure runs
``speedup``        time on one worker over time on n workers, for the same work
``efficiency``     speedup over n
=================  ==========================================================================

The first two are defined by the project (DeepHealth, grant 825111, key performance indicators of the use
cases); it names the last two without a formula, so they are the usual ones (Amdahl 1967; Hennessy and Patterson,
"Computer Architecture", chapter 1).
"""

from __future__ import annotations

from dhtask.kpi.indicators import (
    Indicators,
    Scaling,
    efficiency,
    speedup,
    toppi_s,
    totm_s,
)
from dhtask.kpi.ledger import Ledger, Stage, StageKind, indicators_of

__all__ = [
    "Indicators",
    "Ledger",
    "Scaling",
    "Stage",
    "StageKind",
    "efficiency",
    "indicators_of",
    "speedup",
    "toppi_s",
    "totm_s",
]
