# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Algorithms that tune themselves, on all eight small tasks: one study.

jaxperf run --config=mini_self_tuning --config.submissions=baselines.nadamw
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
  """A quarter of an hour an algorithm on two cores.

  The rules ask for three studies: `--config.studies=3`.
  """
  config = ml_collections.ConfigDict()
  config.rules, config.ruleset = 'mini', 'self'
  config.submissions = ('baselines.nadamw',)
  config.workloads = ()  # All of the rules.
  config.studies = 1
  config.seed = 0
  config.max_parallel = 1
  config.checkpoint_every_s = 60.0
  return config
