# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What a submission that is stepped from Python sees of its run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from jaxperf.trial import progress as progress_lib
from jaxperf.trial import stopwatch


@dataclasses.dataclass
class Host:
  """The run, as the loop on the host knows it; see `Submission.driver`.

  Attributes:
    progress: evaluations, and which targets were met.
    watch: the clock.
    log: `(step, scalars)` writes training scalars into the records.
    compile_bucket: where the time of the first update, of the first preparation
      of evaluation weights, and of the update after it goes, since they
      compile.
    complete: set by the submission: it has nothing left to do.
  """

  progress: progress_lib.Progress = dataclasses.field(
    default_factory=progress_lib.Progress
  )
  watch: stopwatch.Stopwatch = dataclasses.field(
    default_factory=lambda: stopwatch.Stopwatch(counts_compilation=False)
  )
  log: Callable[[int, Mapping[str, float]], None] = lambda step, scalars: None
  compile_bucket: str = 'compile'
  complete: bool = False
