# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""A dress rehearsal: all full-size workloads on real data, a few steps each.

Run it where the benchmark is to run, before it: it tells what each workload
takes, and the hours of a trial, of a study and of the whole under each rule
set. Nothing is judged. `--config.batch_sizes=wmt:8,ogbg:128` makes batches
smaller where the memory does not suffice.

  jaxperf run --config=rehearsal --config.data_dir=DATA
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
  """Twenty steps, evaluations of two batches a split."""
  config = ml_collections.ConfigDict()
  config.rules, config.ruleset = 'v0.6', 'self'
  config.submissions = ('baselines.nadamw',)
  config.workloads = ()  # All of the rules.
  config.studies = config.trials = 1
  config.seed = 0
  config.max_steps = 20
  config.rehearsal = 2
  return config
