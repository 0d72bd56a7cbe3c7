# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Training and evaluation on prepared ImageNet."""

import dataclasses
import subprocess
import sys

import flax.linen as nn
import numpy as np
import pytest

from jaxperf import errors
from jaxperf import workload as workload_api
from jaxperf.running import config as config_lib
from jaxperf.running import run as run_lib
from tests import imagenet_archives, real_data
from workloads.imagenet import resnet, vit
from workloads.imagenet import workload as workload_lib

SPLITS = imagenet_archives.expected()['splits']
BATCH = 8


class Linear(nn.Module):
  """Logits from the colours of 16 squares; compiles at once."""

  @nn.compact
  def __call__(self, images, *, train):
    squares = nn.avg_pool(images, (56, 56), (56, 56))
    return nn.Dense(1000)(squares.reshape(len(images), -1))


def linear(data_dir):
  """Prepared data with the linear model."""
  changes = {'model': Linear(), 'default_dropout': None}
  return small(vit.FULL, data_dir, **changes)


def convolutional(data_dir):
  """The same with a small ResNet."""
  model = resnet.ResNet(resnet.Config(width=4, stage_sizes=(1, 1)))
  return small(resnet.FULL, data_dir, model=model)


def transformer(data_dir):
  """The same with a small vision transformer."""
  config = vit.Config(patch=56, width=16, depth=1, mlp_width=16, num_heads=2)
  return small(vit.FULL, data_dir, model=vit.ViT(config))


MODELS = ('convolutional', 'transformer')
TARGET = f'{__name__}:linear'


def small(settings, data_dir, **changes):
  """A workload with small batches, on prepared data."""
  settings = dataclasses.replace(
    settings, batch_size=BATCH, eval_batch_size=BATCH, **changes
  )
  return workload_lib.build('imagenet_vit', settings, data=data_dir)


@pytest.fixture(scope='module', autouse=True)
def processes():
  """One set of them for all tests of this file."""
  batches = linear(imagenet_archives.data_dir()).data.train(0, 1)
  next(batches)
  yield
  batches.close()


@pytest.mark.parametrize(
  'make',
  ['linear'] + [pytest.param(x, marks=pytest.mark.slow) for x in MODELS],
)
def test_killed_and_started_again_training_ends_the_same(make, tmp_path):
  data_dir = imagenet_archives.data_dir()
  real_data.check_killed(f'{__name__}:{make}', data_dir, tmp_path)


def test_every_image_is_evaluated_once():
  data = linear(imagenet_archives.data_dir()).data
  for split in workload_api.SPLITS:
    weights = [batch['weights'] for batch in data.evaluation(split, BATCH)]
    assert np.sum(weights) == len(SPLITS[split]['labels'])


def test_devices_do_not_change_the_batches():
  real_data.check_devices(TARGET, imagenet_archives.data_dir())


def test_processes_do_not_change_the_batches(tmp_path):
  real_data.check_two_processes(TARGET, imagenet_archives.data_dir(), tmp_path)


def test_memory_stays_flat_over_epochs():
  script = f"""
import os, pathlib, workloads
from workloads.imagenet import pool
data = workloads.build(
  'imagenet_vit', data=pathlib.Path({str(imagenet_archives.data_dir())!r})
).data
stream = data.train(0, 4)
def resident(pid):
  pages = int(open(f'/proc/{{pid}}/statm').read().split()[1])
  return pages * os.sysconf('SC_PAGE_SIZE') // 1024
for epoch in range(8):
  for _ in range({len(SPLITS['train']['labels']) // 4}):
    next(stream)
  list(data.evaluation('validation', 4))
  print(resident(os.getpid()), resident(pool._shared()._processes[0].pid))
"""
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  # A process's buffers grow to its largest image first, in one of the epochs.
  *_, first, _, _, last = (
    list(map(int, line.split())) for line in out.stdout.splitlines()
  )
  assert max(b - a for a, b in zip(first, last)) < 4_000, out.stdout  # KiB.
  assert 'Exception ignored' not in out.stderr  # Of a stream left open.


def test_a_run_without_data_is_refused_before_anything_is_written(tmp_path):
  config = config_lib.make_config(
    {
      'rules': 'v0.6',
      'submissions': ('baselines.nadamw',),
      'workloads': ('imagenet_vit',),
      'ruleset': 'self',
      'data_dir': str(tmp_path),
    }
  )
  with pytest.raises(errors.UserError, match='holds no prepared data'):
    run_lib.run(config, tmp_path / 'results', False)
  assert not (tmp_path / 'results').exists()


def test_a_mini_run_imports_nothing_that_real_data_needs():
  script = """
import sys
import jaxperf, workloads
next(workloads.build('mini_images_vit').data.train(0, 8, None))
print([m for m in sys.modules if m.startswith(('jaxperf.datasets',
  'tensorflow', 'simplejpeg', 'array_record', 'PIL'))
  or m.endswith('.prepare')])
"""
  out = subprocess.run(
    [sys.executable, '-c', script], capture_output=True, text=True, check=True
  )
  assert out.stdout.strip() == '[]'
