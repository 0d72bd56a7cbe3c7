# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Algorithms with tuning points, on all nine small tasks: one study.

Five trials a task; how long all forty take has not been measured. Of the five
points of `baselines.nadamw` the fastest meets the target of `mini_clicks` at
step 120 and that of `mini_images_vit` at step 480.

  jaxperf run --config=mini_external --config.submissions=baselines.nadamw
  jaxperf score results/mini_external
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
  """Five trials a task, one after the other."""
  config = ml_collections.ConfigDict()
  config.rules, config.ruleset = 'mini', 'external'
  config.submissions = ('baselines.nadamw',)
  config.workloads = ()  # All of the rules.
  config.studies = 1  # The rules ask for three.
  config.seed = 0
  config.max_parallel = 1
  config.checkpoint_every_s = 60.0
  return config
