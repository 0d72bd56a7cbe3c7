# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import dataclasses
import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxperf import errors, mesh
from jaxperf.trial import checkpoint, compiled
from jaxperf.trial import run as run_lib
from tests import tiny


def _state(value: float):
  return {'x': jnp.arange(100.0) + value, 'n': jnp.int32(value), 'empty': {}}


def _like(sharding=None):
  sharding = sharding or mesh.replicated(mesh.make_mesh(jax.devices()[:1]))
  return jax.tree.map(
    lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding),
    _state(0),
  )


def _saved(folder: pathlib.Path) -> None:
  checkpointer = checkpoint.Checkpointer(folder)
  for step in (1, 2, 3):
    checkpointer.save(step, _state(step), {'step': step, 'nan': float('nan')})
  checkpointer.close()


def _restored(folder: pathlib.Path, like=None):
  checkpointer = checkpoint.Checkpointer(folder)
  found = checkpointer.restore(like or _like())
  checkpointer.close()
  return found


def test_the_newest_checkpoint_comes_back_exactly(tmp_path):
  _saved(tmp_path)
  state, progress = _restored(tmp_path)
  jax.tree.map(np.testing.assert_array_equal, state, _state(3))
  assert progress['step'] == 3
  assert np.isnan(progress['nan'])


@pytest.mark.parametrize(
  'dtype', ['bfloat16', 'float8_e4m3fn', 'float16', 'uint32', 'bool']
)
def test_arrays_of_any_type_come_back(tmp_path, dtype):
  state = {
    'some': jnp.asarray([[0, 1], [1, 1]], dtype),
    'one': jnp.ones((), dtype),
  }
  checkpointer = checkpoint.Checkpointer(tmp_path)
  checkpointer.save(1, state, {})
  checkpointer.close()
  like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), state)
  restored, _ = _restored(tmp_path, like)
  for name, array in state.items():
    assert restored[name].dtype == array.dtype
    np.testing.assert_array_equal(restored[name], array)


def test_an_empty_folder_has_no_checkpoint(tmp_path):
  assert _restored(tmp_path) is None


def _truncate(file: pathlib.Path) -> None:
  file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _flip(file: pathlib.Path) -> None:
  content = bytearray(file.read_bytes())
  content[len(content) // 2] ^= 0xFF
  file.write_bytes(content)


@pytest.mark.parametrize('damage', [_truncate, _flip, pathlib.Path.unlink])
@pytest.mark.parametrize('part', ['state/**/d/*', 'progress/metadata'])
def test_a_damaged_checkpoint_is_reported_and_the_previous_one_used(
  tmp_path, capsys, damage, part
):
  _saved(tmp_path)
  damage(max((tmp_path / '3').glob(part), key=lambda f: f.stat().st_size))
  state, progress = _restored(tmp_path)
  jax.tree.map(np.testing.assert_array_equal, state, _state(2))
  assert progress['step'] == 2
  assert 'checkpoint of step 3 cannot be read' in capsys.readouterr().out
  # And the next one can be written over it.
  checkpointer = checkpoint.Checkpointer(tmp_path)
  checkpointer.save(3, _state(7), {'step': 3})
  checkpointer.close()
  assert _restored(tmp_path)[0]['n'] == 7


def test_a_changed_number_in_the_progress_is_damage(tmp_path):
  _saved(tmp_path)
  file = tmp_path / '3' / 'progress' / 'metadata'
  text, count = re.subn(r'(step\W+)3', r'\g<1>7', file.read_text())
  assert count == 1
  file.write_text(text)
  assert _restored(tmp_path)[1]['step'] == 2


def _struct(like, shape, dtype=jnp.float32):
  return jax.ShapeDtypeStruct(shape, dtype, sharding=like['x'].sharding)


@pytest.mark.parametrize(
  ('change', 'difference'),
  [
    (
      lambda like: like | {'x': _struct(like, (50,))},
      'x is float32[100], float32[50] is expected',
    ),
    (
      lambda like: like | {'n': _struct(like, (), jnp.float32)},
      'n is int32[], float32[] is expected',
    ),
    (
      lambda like: like | {'empty': [_struct(like, (2,))]},
      'empty/0 is missing, float32[2] is expected',
    ),
    (
      lambda like: {'n': like['n']},
      'it holds x of float32[100], which is not expected',
    ),
  ],
)
def test_a_checkpoint_of_another_state_is_kept_and_the_difference_told(
  tmp_path, change, difference
):
  _saved(tmp_path)
  with pytest.raises(errors.UserError, match=re.escape(difference)) as raised:
    _restored(tmp_path, change(_like()))
  assert f'checkpoint of step 3 in {tmp_path} ' in str(raised.value)
  # Nothing is lost: with the state as it was, the newest comes back.
  state, _ = _restored(tmp_path)
  jax.tree.map(np.testing.assert_array_equal, state, _state(3))
  assert (tmp_path / '2').is_dir()


def test_a_trial_goes_on_once_its_submission_is_changed_back(tmp_path):
  made = tiny.make_trial(goal=tiny.UNREACHABLE)
  calls = iter(range(10**6))
  assert run_lib.run(made, tmp_path, lambda: next(calls) == 10) == 'stopped'
  with_momentum = dataclasses.replace(
    tiny.SUBMISSION,
    optimizer=lambda hps, run: optax.sgd(hps.learning_rate, momentum=0.9),
  )
  changed = tiny.make_trial(tiny.make_training(with_momentum))
  with pytest.raises(errors.UserError, match=r'opt_state/0/trace/bias is miss'):
    run_lib.run(changed, tmp_path)
  assert run_lib.run(made, tmp_path) == 'budget'
  like = compiled.abstract_state(made.training)
  _, progress = _restored(tmp_path / 'checkpoints', like)
  assert (progress['step'], progress['preemption_count']) == (60, 1)


def test_a_damaged_checkpoint_before_one_of_another_state_loses_no_more(
  tmp_path, capsys
):
  _saved(tmp_path)
  _truncate(tmp_path / '3' / 'progress' / 'metadata')
  with pytest.raises(errors.UserError, match='checkpoint of step 2'):
    _restored(tmp_path, {'n': _like()['n']})
  assert 'checkpoint of step 3 cannot be read' in capsys.readouterr().out
  assert _restored(tmp_path)[1]['step'] == 2


def test_a_half_written_checkpoint_is_not_used(tmp_path):
  _saved(tmp_path)
  (tmp_path / '3').rename(tmp_path / '3.orbax-checkpoint-tmp')
  assert _restored(tmp_path)[1]['step'] == 2


@pytest.mark.parametrize('devices', [1, 2, 8])
def test_a_checkpoint_of_eight_devices_restores_on_fewer(tmp_path, devices):
  training = tiny.make_training(devices=jax.devices())
  state, _ = tiny.run_steps(training, 2)
  checkpointer = checkpoint.Checkpointer(tmp_path)
  checkpointer.save(2, state, {})
  checkpointer.close()
  fewer = tiny.make_training(devices=jax.devices()[:devices])
  checkpointer = checkpoint.Checkpointer(tmp_path)
  restored, _ = checkpointer.restore(compiled.abstract_state(fewer))
  jax.tree.map(np.testing.assert_array_equal, restored, state)
  assert len(restored.params['one'].sharding.device_set) == devices


def test_that_no_checkpoint_can_be_read_is_said(tmp_path, capsys):
  _saved(tmp_path)
  for step in ('2', '3'):
    files = (tmp_path / step).glob('state/**/d/*')
    _truncate(max(files, key=lambda f: f.stat().st_size))
  assert _restored(tmp_path) is None
  printed = capsys.readouterr().out
  assert 'step 3 cannot be read' in printed
  assert 'trying that of step 2' in printed
  assert 'none is left: the trial begins anew' in printed


def test_what_a_killed_save_left_behind_goes_at_the_next_start(tmp_path):
  _saved(tmp_path)
  left = tmp_path / '4.orbax-checkpoint-tmp' / 'state'
  left.mkdir(parents=True)
  checkpoint.Checkpointer(tmp_path, read_only=True).close()
  assert left.exists()
  checkpoint.Checkpointer(tmp_path).close()
  assert sorted(path.name for path in tmp_path.iterdir()) == ['2', '3']
