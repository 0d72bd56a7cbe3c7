# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Stochastic gradient descent with Nesterov momentum, and linear decay.

Rule, schedule and search spaces are those of `baselines.heavy_ball`, with the
look-ahead.

References:
  Nesterov, A method of solving a convex programming problem with convergence
  rate O(1/k^2), 1983
"""

from __future__ import annotations

import dataclasses
import functools

from baselines import heavy_ball

_optimizer = functools.partial(heavy_ball.optimizer, nesterov=True)

submission = dataclasses.replace(heavy_ball.submission, optimizer=_optimizer)
paper_fixed_beta1 = dataclasses.replace(
  heavy_ball.paper_fixed_beta1, optimizer=_optimizer
)
self_tuning = dataclasses.replace(heavy_ball.self_tuning, optimizer=_optimizer)
