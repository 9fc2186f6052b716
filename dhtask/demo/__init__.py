"""The main job, on a dataset of one's own or on the image that scikit-image carries.

tissue = write_tissue_dataset(Path("out/dataset"))
outcome = run_job(JobOptions(dataset=tissue.path, out=Path("out"), workers=2), EpochLines())
paths = write_job_report(outcome, title="Tissue", command="dhtask demo")
"""

from __future__ import annotations

from dhtask.demo.job import JobOptions, JobOutcome, Splits, run_job
from dhtask.demo.pictures import Segmented
from dhtask.demo.stitching import predict_picture
from dhtask.demo.summary import print_job, write_job_report
from dhtask.demo.tissue import (
    PLACES,
    REGIONS,
    TRUTH,
    TissueDataset,
    stain_mask,
    write_tissue_dataset,
)

__all__ = [
    "PLACES",
    "REGIONS",
    "TRUTH",
    "JobOptions",
    "JobOutcome",
    "Segmented",
    "Splits",
    "TissueDataset",
    "predict_picture",
    "print_job",
    "run_job",
    "stain_mask",
    "write_job_report",
    "write_tissue_dataset",
]
