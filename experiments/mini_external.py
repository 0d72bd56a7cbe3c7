# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Algorithms with tuning points, on all eight small tasks: one study.

jaxperf run --config=mini_external --config.submissions=baselines.nadamw
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
  """Five trials a task: an hour an algorithm on two cores.

  The rules ask for three studies: `--config.studies=3`.
  """
  config = ml_collections.ConfigDict()
  config.rules, config.ruleset = 'mini', 'external'
  config.submissions = ('baselines.nadamw',)
  config.workloads = ()  # All of the rules.
  config.studies = 1
  config.seed = 0
  config.max_parallel = 1
  config.checkpoint_every_s = 60.0
  return config
