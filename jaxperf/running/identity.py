# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""What makes a trial's numbers now; trials that something else has made."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax

from jaxperf import errors, prepared, text
from jaxperf import rules as rules_lib
from jaxperf.records import claims, layout
from jaxperf.records import identity as recorded
from jaxperf.running import config as config_lib
from jaxperf.running import entries, environment, plugins
from jaxperf.running import jobs as jobs_lib
from jaxperf.trial import trial as trial_lib

_NUMERICS = (
  *recorded.USUAL,
  *('jax_default_matmul_precision', 'jax_numpy_dtype_promotion'),
)
# What changes results, of a config, of the rules of a workload, of a run.
_CONFIG = (
  *('ruleset', 'data', 'microbatches', 'shard_params', 'max_steps'),
  'rehearsal',
)
_GOAL = ('metric', 'minimize', 'validation_target', 'test_target')
_RUN = ('batch_size', 'unit', 'budget', 'eval_period', 'step_hint')


def of_job(
  config: config_lib.Config,
  job: jobs_lib.Job,
  entry: entries.Entry,
  training: trial_lib.Training,
) -> dict[str, dict[str, Any]]:
  """The decisive parts of a trial's identity, see `records.identity`.

  Args:
    config: checked.
    job: whose trial it is.
    entry: its submission.
    training: of this job, or of another one of its submission and workload.
  """
  goal = rules_lib.load(config.rules).for_workload(job.workload)
  settings = {name: getattr(config, name) for name in _CONFIG}
  settings |= {name: getattr(goal, name) for name in _GOAL}
  settings |= {name: getattr(training.run, name) for name in _RUN}
  settings |= {'workload': job.workload, 'seed': job.seed}
  return {
    'submission': dict(entry.files),
    'point': dict(job.point),
    'settings': settings,
    'data': _data(config, job, training),
  }


def surroundings() -> dict[str, dict[str, Any]]:
  """The other parts: versions, numerics and machine of this process."""
  devices = jax.devices()
  return {
    'packages': environment.versions(),
    'numerics': numerics(),
    'machine': {
      'platform': devices[0].platform,
      'device': devices[0].device_kind,
      'devices': len(devices),
    },
  }


def numerics() -> dict[str, Any]:
  """What else than machine and versions numbers depend on, in this process."""
  # Not every version of JAX has all of them.
  settings = {name: getattr(jax.config, name, None) for name in _NUMERICS}
  flags = ' '.join(os.environ.get('XLA_FLAGS', '').split())
  return settings | {'XLA_FLAGS': flags}


def _data(config, job, training) -> dict[str, Any]:
  """What a trial is trained and judged on."""
  found = dict(training.workload.data.identity())
  name = None if config.data else plugins.dataset_of(job.workload)
  if name is not None:
    manifest = prepared.read(prepared.folder(name, config.data_dir))
    content = [manifest.version, *((f.name, f.sha256) for f in manifest.files)]
    digest = hashlib.sha256(json.dumps(content).encode())
    found['manifest'] = digest.hexdigest()
  return found


def check(folder: pathlib.Path, now: Mapping[str, Any]) -> None:
  """Refuses to go on with a trial that something else has made.

  Args:
    folder: of the trial.
    now: its identity, at least the decisive parts.

  Raises:
    UserError: says what changed, and what to do.
  """
  found = _changes(folder, now)
  if found:
    raise errors.UserError(_refusal(str(folder), found))


def settle(
  trials: Mapping[pathlib.Path, Mapping[str, Any]],
  anew: Callable[[pathlib.Path], bool],
) -> None:
  """Refuses trials that something else has made, or makes room for new ones.

  Args:
    trials: folder -> identity now.
    anew: whether to begin such a trial anew; what it holds is kept in
      `replaced_N`.

  Raises:
    UserError: if there are such trials and they are not to be begun anew, or
      if one of them is running.
  """
  changed = {
    folder: found
    for folder, now in trials.items()
    if (found := _changes(folder, now))
  }
  refused = [folder for folder in changed if not anew(folder)]
  if refused:
    folder, found = refused[0], changed[refused[0]]
    others = len(refused) - 1
    more = f' (and {text.plural(others, "other trial")})' if others else ''
    raise errors.UserError(_refusal(f'{folder}{more}', found))
  with contextlib.ExitStack() as stack:
    for folder in changed:  # All of them or none.
      stack.callback(claims.Claim(folder).release)
    for folder in changed:
      _set_aside(folder)


def _changes(folder: pathlib.Path, now: Mapping[str, Any]) -> list[str]:
  """What is not as the trial in a folder recorded it, if it did."""
  entries_ = recorded.read(folder)
  return recorded.changes(entries_[-1], now) if entries_ else []


def _refusal(what: str, found: Iterable[str]) -> str:
  some = list(found)
  more = f' and {len(some) - 3} more' if len(some) > 3 else ''
  return (
    f'{what} holds results of something else: {"; ".join(some[:3])}{more}. '
    'Undo that, choose another --workdir, or begin such trials anew with '
    '`jaxperf run ... --changed=rerun`, which keeps what they hold in '
    f'{layout.REPLACED}N in their folders'
  )


def _set_aside(folder: pathlib.Path) -> None:
  """Moves all that a trial's folder holds into a new folder inside it.

  The identity goes last: who is interrupted finds the trial changed again and
  moves the rest to the same place.
  """
  number = 1
  while (folder / f'{layout.REPLACED}{number}' / recorded.FILE).exists():
    number += 1
  place = folder / f'{layout.REPLACED}{number}'
  place.mkdir(exist_ok=True)
  stay = ('lock', claims.FILE, recorded.FILE)
  for path in sorted(folder.iterdir()):
    if path.name not in stay and not path.name.startswith(layout.REPLACED):
      path.rename(place / path.name)
  (folder / recorded.FILE).rename(place / recorded.FILE)
