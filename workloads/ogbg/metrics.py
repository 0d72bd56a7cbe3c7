# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Average precision, on the host."""

import math

import numpy as np
import scipy.special


def average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
  r"""Area under the precision-recall curve, as a step function.

  :math:`\sum_k (R_k - R_{k-1}) P_k` over the distinct scores in decreasing
  order, what scikit-learn computes; 0 without a positive label.

  >>> average_precision(np.array([0.9, 0.8, 0.7]), np.array([1, 0, 1]))
  0.8333333333333333

  Args:
    scores: (N,).
    labels: (N,), 0 or 1.
  """
  order = np.argsort(-scores, kind='stable')
  scores, labels = scores[order], labels[order]
  ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
  hits = np.cumsum(labels, dtype=np.float64)[ends]
  new_hits = np.diff(hits, prepend=0)
  return float(np.sum(new_hits * hits / (ends + 1)) / max(hits[-1], 1))


def mean_average_precision(
  logits: np.ndarray, labels: np.ndarray, known: np.ndarray
) -> float:
  """Mean of the average precision of the tasks that have a positive label.

  The benchmark also asks for a negative label, but counts masked and padded
  entries as such, and every batch has some.

  Args:
    logits: (N, T) float32.
    labels: (N, T), 0 or 1; 0 where unknown.
    known: (N, T) bool.

  Returns:
    NaN if no task has a positive label.
  """
  # As the benchmark: large logits tie when they round to the same probability.
  scores = scipy.special.expit(logits.astype(np.float32))
  values = [
    average_precision(
      scores[known[:, task], task], labels[known[:, task], task]
    )
    for task in np.flatnonzero((labels == 1).any(axis=0))
  ]
  return float(np.mean(values)) if values else math.nan
