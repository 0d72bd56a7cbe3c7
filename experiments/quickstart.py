# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Three algorithms on three small tasks of real data: a first answer.

jaxperf run --config=quickstart --workdir=results/quickstart
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
  """One study, self-tuning, some minutes on a laptop CPU.

  Two trials share the machine: their seconds are longer than alone, their steps
  and scores are the same.
  """
  config = ml_collections.ConfigDict()
  config.rules, config.ruleset = 'mini', 'self'
  config.submissions = (
    'baselines.nadamw',
    'baselines.adamw',
    'baselines.nesterov',
  )
  config.workloads = ('mini_clicks', 'mini_images_vit', 'mini_molecules')
  config.studies = 1
  config.seed = 0
  config.max_parallel = 2
  config.checkpoint_every_s = 60.0
  return config
