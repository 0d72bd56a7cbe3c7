# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Algorithms that tune themselves, on all nine small tasks: one study.

Expect about 17 minutes for `baselines.nadamw`, from the start to the scores, on
two shared cores; at most 1.9 GiB. It meets three of the nine
targets: `mini_clicks` at step 240, `mini_mri` at 700, `mini_images_vit` at 480.

  jaxperf run --config=mini_self_tuning --config.submissions=baselines.nadamw
  jaxperf score results/mini_self_tuning
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
  """One trial a task, 1.5 times the budget of external tuning."""
  config = ml_collections.ConfigDict()
  config.rules, config.ruleset = 'mini', 'self'
  config.submissions = ('baselines.nadamw',)
  config.workloads = ()  # All of the rules.
  config.studies = 1  # The rules ask for three.
  config.seed = 0
  config.max_parallel = 1
  config.checkpoint_every_s = 60.0
  return config
