# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Three algorithms on three small tasks of real data: a first answer.

Expect 6 min 34 s with the set-up of `make quickstart`, on two cores of a shared
virtual machine. NadamW and AdamW meet the target of `mini_clicks` at step 240,
NadamW and Nesterov that of `mini_images_vit` at 480 and 540, and nobody that of
`mini_molecules`.

  jaxperf run --config=quickstart --workdir=results/quickstart
  jaxperf report results/quickstart
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
  """One study of three tasks, two trials at a time."""
  config = ml_collections.ConfigDict()
  config.rules, config.ruleset = 'mini', 'self'
  config.submissions = (
    'baselines.nadamw',
    'baselines.adamw',
    'baselines.nesterov',
  )
  config.workloads = ('mini_clicks', 'mini_images_vit', 'mini_molecules')
  config.studies = 1  # The rules ask for three.
  config.seed = 0
  # Seconds are longer than alone; steps and scores are the same.
  config.max_parallel = 2
  config.checkpoint_every_s = 60.0
  return config
