# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import csv
import dataclasses
import json
import math
import pathlib
import signal
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxperf
from jaxperf import errors
from jaxperf.records import parse
from jaxperf.trial import checkpoint, compiled
from jaxperf.trial import run as run_lib
from tests import tiny

TIMES = (
  'score',
  'accumulated_submission_time',
  'accumulated_eval_time',
  'accumulated_logging_time',
  'accumulated_compile_time',
  'accumulated_data_wait_time',
  'total_duration',
  'preemption_count',
)


def evaluations(folder: pathlib.Path) -> list[dict[str, str]]:
  with (folder / 'eval_measurements.csv').open() as file:
    return list(csv.DictReader(file))


def without_times(rows):
  return [{k: v for k, v in r.items() if k not in TIMES} for r in rows]


def result(folder: pathlib.Path) -> dict:
  return json.loads((folder / 'result.json').read_text())


def final_params(folder: pathlib.Path, training) -> dict:
  checkpointer = checkpoint.Checkpointer(folder / 'checkpoints')
  state, _ = checkpointer.restore(compiled.abstract_state(training))
  checkpointer.close()
  return jax.tree.map(np.asarray, state.params)


def assert_same_params(one, two):
  jax.tree.map(np.testing.assert_array_equal, one, two)


def _make(goal=tiny.UNREACHABLE, submission=tiny.SUBMISSION, **limits):
  return tiny.make_trial(tiny.make_training(submission, **limits), goal)


def test_a_trial_ends_when_both_targets_are_reached(tmp_path):
  assert run_lib.run(_make(tiny.GOAL, budget=400), tmp_path) == 'reached'
  rows = evaluations(tmp_path)
  reached = [float(r['validation/accuracy']) > 0.8 for r in rows]
  tested = [float(r['test/accuracy']) > 0.8 for r in rows]
  assert any(reached)
  assert any(tested)
  assert not (any(reached[:-1]) and any(tested[:-1]))


def test_the_test_target_alone_does_not_make_a_trial_reach(tmp_path):
  goal = dataclasses.replace(tiny.UNREACHABLE, test_target=0.0)
  assert run_lib.run(_make(goal), tmp_path) == 'budget'
  assert result(tmp_path)['test_reached']
  assert not result(tmp_path)['validation_reached']


def test_step_budgets_evaluate_after_step_one_then_each_period(tmp_path):
  assert run_lib.run(_make(budget=50), tmp_path) == 'budget'
  steps = [int(r['global_step']) for r in evaluations(tmp_path)]
  assert steps == [1, 20, 40, 50]
  with (tmp_path / 'measurements.csv').open() as file:
    scalars = [r for r in csv.DictReader(file) if r['loss']]
  assert [int(r['global_step']) for r in scalars] == list(range(50))


def test_time_budgets_end_without_an_evaluation(tmp_path):
  limits = {'unit': 'seconds', 'budget': 0.5, 'eval_period': 1e9}
  assert run_lib.run(_make(**limits), tmp_path) == 'budget'
  assert [int(r['global_step']) for r in evaluations(tmp_path)] == [1]
  assert 0.5 <= result(tmp_path)['submission_time'] < 2.5


def test_time_periods_count_wall_time_since_the_last_evaluation(tmp_path):
  limits = {'unit': 'seconds', 'budget': 1.5, 'eval_period': 0.3}
  run_lib.run(_make(**limits), tmp_path)
  rows = evaluations(tmp_path)
  assert len(rows) >= 3
  ended = [float(r['total_duration']) for r in rows]
  assert np.all(np.diff(ended) >= 0.3)


def test_buckets_add_up_to_the_wall_time(tmp_path):
  run_lib.run(_make(), tmp_path)
  final, last = result(tmp_path), evaluations(tmp_path)[-1]
  buckets = final['buckets']
  counted = buckets['train'] + buckets['prepare_eval'] + buckets['data_wait']
  assert math.isclose(final['submission_time'], counted, rel_tol=1e-3)
  assert float(last['total_duration']) <= sum(buckets.values())
  assert float(last['score']) == float(last['accumulated_submission_time'])


def test_a_step_limit_ends_a_trial_after_an_evaluation(tmp_path):
  limited = dataclasses.replace(_make(budget=1000), max_steps=30)
  assert run_lib.run(limited, tmp_path) == 'finished'
  assert [int(r['global_step']) for r in evaluations(tmp_path)] == [1, 20, 30]


def test_a_non_finite_metric_is_diverged_and_no_early_stop(tmp_path):
  goal = dataclasses.replace(
    tiny.UNREACHABLE, metric='loss', minimize=True, validation_target=-1.0
  )
  explode = dataclasses.replace(
    tiny.SUBMISSION, optimizer=lambda h, r: optax.scale(-1e38)
  )
  assert run_lib.run(_make(goal, explode), tmp_path) == 'diverged'
  rows = evaluations(tmp_path)
  assert len(rows) == 4
  assert rows[-1]['validation/loss'] == 'nan'


def test_a_raising_submission_ends_its_trial_with_error(tmp_path, capsys):
  def raising(hps, run):
    def update(updates, state, params=None):
      raise RuntimeError('no idea')

    return optax.GradientTransformation(lambda p: (), update)

  submission = dataclasses.replace(tiny.SUBMISSION, optimizer=raising)
  assert run_lib.run(_make(submission=submission), tmp_path) == 'error'
  assert result(tmp_path)['message'] == 'RuntimeError: no idea'
  assert 'Traceback' in capsys.readouterr().err


def test_a_full_disk_ends_a_trial_with_error(tmp_path):
  full = pathlib.Path('/dev/full')

  def break_disk():
    table = tmp_path / 'measurements.csv'
    if table.exists() and not table.is_symlink():
      table.unlink()
      table.symlink_to(full)
    return False

  assert run_lib.run(_make(), tmp_path, break_disk) == 'error'
  assert 'no space is left on the disk' in result(tmp_path)['message']


def test_a_stopped_trial_goes_on_to_the_same_parameters(tmp_path):
  whole = _make()
  run_lib.run(whole, tmp_path / 'whole')
  calls = iter(range(1000))
  stopped = tmp_path / 'stopped'
  for _ in range(2):
    assert run_lib.run(whole, stopped, lambda: next(calls) % 25 == 24) == (
      'stopped'
    )
    assert not (stopped / 'result.json').exists()
  assert run_lib.run(whole, stopped) == 'budget'
  assert_same_params(
    final_params(tmp_path / 'whole', whole.training),
    final_params(stopped, whole.training),
  )
  rows, reference = evaluations(stopped), evaluations(tmp_path / 'whole')
  assert without_times(rows) == without_times(reference)
  assert [int(r['preemption_count']) for r in rows] == [0, 0, 1, 2]
  assert (stopped / 'flags_2.json').exists()
  steps = [
    line.split(',')[0]
    for line in (stopped / 'measurements.csv').read_text().splitlines()[1:]
  ]
  assert len(steps) == 60 + 4


def test_a_trial_does_not_go_on_with_data_that_means_something_else(tmp_path):
  def make(tokenizer):
    data = tiny.WORKLOAD.data._replace(
      identity=lambda: {'tokenizer': tokenizer}
    )
    return _make(workload=tiny.WORKLOAD._replace(data=data))

  calls = iter(range(1000))
  one = run_lib.run(make('one'), tmp_path, lambda: next(calls) == 24)
  assert one == 'stopped'
  with pytest.raises(errors.UserError, match=r'tokenizer one .* now has two'):
    run_lib.run(make('two'), tmp_path)
  assert run_lib.run(make('one'), tmp_path) == 'budget'


def test_a_finished_trial_is_not_run_again(tmp_path):
  assert run_lib.run(_make(), tmp_path) == 'budget'
  before = (tmp_path / 'eval_measurements.csv').stat().st_mtime_ns
  assert run_lib.run(_make(), tmp_path) == 'budget'
  assert (tmp_path / 'eval_measurements.csv').stat().st_mtime_ns == before


def test_two_processes_cannot_run_one_trial(tmp_path):
  from jaxperf.records import claims

  lock = claims.Claim(tmp_path)
  with pytest.raises(errors.UserError, match='is being run by process'):
    run_lib.run(_make(), tmp_path)
  lock.release()
  assert run_lib.run(_make(), tmp_path) == 'budget'


def test_evaluation_weights_are_judged_and_never_trained_on(tmp_path):
  plain = _make()
  run_lib.run(plain, tmp_path / 'plain')
  zeros = dataclasses.replace(
    tiny.SUBMISSION,
    eval_params=lambda opt_state, params, model_state: (
      optax.tree.zeros_like(params),
      model_state,
    ),
  )
  judged = _make(submission=zeros)
  run_lib.run(judged, tmp_path / 'judged')
  losses = [
    float(r['validation/loss']) for r in evaluations(tmp_path / 'judged')
  ]
  np.testing.assert_allclose(losses, math.log(tiny.CLASSES), rtol=1e-6)
  assert_same_params(
    final_params(tmp_path / 'plain', plain.training),
    final_params(tmp_path / 'judged', judged.training),
  )


def test_eval_params_may_return_a_new_optimizer_state(tmp_path):
  counting = dataclasses.replace(
    tiny.SUBMISSION,
    optimizer=lambda h, r: optax.GradientTransformation(
      lambda params: jnp.int32(0), lambda u, s, p=None: (u, s)
    ),
    eval_params=lambda opt_state, params, model_state: (
      params,
      model_state,
      opt_state + 1,
    ),
  )
  made = _make(submission=counting)
  run_lib.run(made, tmp_path)
  checkpointer = checkpoint.Checkpointer(tmp_path / 'checkpoints')
  state, _ = checkpointer.restore(compiled.abstract_state(made.training))
  assert state.opt_state == len(evaluations(tmp_path)) == 4


def test_a_submission_may_stop_or_restart_after_an_evaluation(tmp_path):
  def on_eval(history, run):
    assert run.step_hint == 60
    if len(history) == 2:
      return jaxperf.Restart({'learning_rate': 0.0})
    return jaxperf.Stop() if len(history) == 4 else None

  submission = dataclasses.replace(tiny.SUBMISSION, on_eval=on_eval)
  made = _make(submission=submission, budget=200)
  assert run_lib.run(made, tmp_path) == 'finished'
  rows = evaluations(tmp_path)
  assert [int(r['global_step']) for r in rows] == [1, 20, 40, 60]
  # Rate 0 from the initial parameters on: as good as before the first step.
  fresh, _ = made.training.workload.init(jax.random.split(jax.random.key(0))[0])
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(x, y, atol=1e-6),
    final_params(tmp_path, made.training),
    fresh,
  )
  assert rows[2]['validation/loss'] == rows[3]['validation/loss']
  assert rows[2]['validation/loss'] != rows[1]['validation/loss']


def test_what_a_submission_does_after_an_evaluation_is_its_own_time(tmp_path):
  def on_eval(history, run):
    time.sleep(0.2)

  submission = dataclasses.replace(tiny.SUBMISSION, on_eval=on_eval)
  assert run_lib.run(_make(submission=submission, budget=60), tmp_path)
  buckets = result(tmp_path)['buckets']
  assert len(evaluations(tmp_path)) == 4
  assert buckets['train'] > 3 * 0.2  # After the last one nobody is asked.
  assert buckets['logging'] < 0.2


@pytest.mark.parametrize(
  'change',
  [
    lambda content: content + content.splitlines()[-1] + '\n',
    lambda content: content.replace('0.', '0.9', 1),
    lambda content: '',
  ],
)
def test_rows_that_the_trial_has_not_written_end_it(tmp_path, change):
  path = tmp_path / 'eval_measurements.csv'
  found = []

  def on_eval(history, run):
    if len(history) == 2:
      found.append(path.read_text())
      path.write_text(change(found[0]))

  submission = dataclasses.replace(tiny.SUBMISSION, on_eval=on_eval)
  assert run_lib.run(_make(submission=submission, budget=60), tmp_path) == (
    'error'
  )
  assert 'eval_measurements.csv was changed' in result(tmp_path)['message']
  assert path.read_text() == found[0]


def test_a_submission_may_select_its_data(tmp_path):
  def every_other(batches, opt_state, params, key):
    next(batches)
    return next(batches)

  submission = dataclasses.replace(tiny.SUBMISSION, select_data=every_other)
  made = _make(submission=submission, budget=20)
  run_lib.run(made, tmp_path)
  checkpointer = checkpoint.Checkpointer(tmp_path / 'checkpoints')
  _, progress = checkpointer.restore(compiled.abstract_state(made.training))
  assert progress['cursor'] == 2 * 20


def test_waiting_for_data_is_its_own_bucket(tmp_path):
  pause = threading.Event()

  def slow(seed, batch_size, cursor=None):
    for item in tiny.WORKLOAD.data.train(seed, batch_size, cursor):
      pause.wait(0.05)
      yield item

  data = tiny.WORKLOAD.data._replace(train=slow)
  training = tiny.make_training(
    workload=tiny.WORKLOAD._replace(data=data), budget=20
  )
  run_lib.run(tiny.make_trial(training, tiny.UNREACHABLE), tmp_path)
  buckets = result(tmp_path)['buckets']
  assert buckets['data_wait'] > 0.6
  assert buckets['train'] < 0.4 * buckets['data_wait']


def test_a_batch_that_is_not_as_promised_is_an_error(tmp_path):
  def wrong(seed, batch_size, cursor=None):
    for batch, taken in tiny.WORKLOAD.data.train(seed, batch_size, cursor):
      yield batch | {'inputs': batch['inputs'][:, :3]}, taken

  data = tiny.WORKLOAD.data._replace(train=wrong)
  training = tiny.make_training(workload=tiny.WORKLOAD._replace(data=data))
  assert run_lib.run(tiny.make_trial(training), tmp_path) == 'error'
  assert "batch['inputs'] is float32[64, 3]" in result(tmp_path)['message']


def test_host_memory_is_flat_over_twenty_evaluations(tmp_path):
  def resident():
    status = pathlib.Path('/proc/self/status').read_text()
    return int(status.split('VmRSS:')[1].split()[0])  # kB

  memory = []

  def on_eval(history, run):
    memory.append(resident())

  submission = dataclasses.replace(tiny.SUBMISSION, on_eval=on_eval)
  run_lib.run(
    _make(submission=submission, budget=200, eval_period=10), tmp_path
  )
  assert len(memory) >= 20
  assert memory[-1] - memory[4] < 10_000


def _ending(how):
  """A submission whose hook does something after the first evaluation."""
  return dataclasses.replace(
    tiny.SUBMISSION, on_eval=lambda history, run: how()
  )


@pytest.mark.parametrize(
  ('how', 'message'),
  [
    (lambda: sys.exit(3), 'SystemExit: 3'),
    (lambda: sys.exit(), 'SystemExit: '),
    (lambda: signal.default_int_handler(2, None), 'KeyboardInterrupt: '),
  ],
)
def test_a_submission_that_exits_ends_its_trial_with_error(
  tmp_path, how, message
):
  assert run_lib.run(_make(submission=_ending(how)), tmp_path) == 'error'
  assert result(tmp_path)['message'] == message


def test_the_cause_in_a_host_callback_is_told(tmp_path):
  def callback(value):
    if value >= 3:
      raise ValueError('three is too many')

  def make(hps, run):
    def update(updates, state, params=None):
      jax.debug.callback(callback, state)
      return updates, state + 1

    return optax.GradientTransformation(lambda p: jnp.int32(0), update)

  submission = dataclasses.replace(tiny.SUBMISSION, optimizer=make)
  assert run_lib.run(_make(submission=submission), tmp_path) == 'error'
  message = result(tmp_path)['message']
  assert message.startswith('ValueError: three is too many (in a callback, ')
  assert __file__ in message


def test_the_step_at_which_the_loss_stops_being_finite_is_told(
  tmp_path, capsys
):
  explode = dataclasses.replace(
    tiny.SUBMISSION, optimizer=lambda h, r: optax.scale(-1e38)
  )
  run_lib.run(_make(submission=explode), tmp_path)
  losses = [
    float(row['loss'])
    for row in csv.DictReader((tmp_path / 'measurements.csv').open())
    if row['loss']
  ]
  first = 1 + next(i for i, x in enumerate(losses) if not math.isfinite(x))
  assert first > 1
  assert result(tmp_path)['nonfinite_step'] == first
  assert f'at step {first}\n' in capsys.readouterr().out
  progress = json.loads((tmp_path / 'progress.json').read_text())
  assert progress['nonfinite_step'] == first


def test_the_loss_of_a_step_that_is_not_logged_is_watched(tmp_path):
  def make(hps, run):
    def update(updates, state, params=None):
      bad = jnp.where(state == 132, jnp.nan, 0.0)  # In front of update 134.
      return jax.tree.map(lambda g: 0 * g + bad, updates), state + 1

    return optax.GradientTransformation(lambda p: jnp.int32(0), update)

  submission = dataclasses.replace(tiny.SUBMISSION, optimizer=make)
  trial = _make(submission=submission, budget=140, eval_period=140)
  run_lib.run(trial, tmp_path)
  assert result(tmp_path)['nonfinite_step'] == 134


NAMES = ['trust ratio', 'score', 'Loss', 'validation/loss', 'a,b"c', 'ä\nö']
COLUMNS = [
  *('trust ratio', 'scalar/score', 'scalar/Loss', 'scalar/validation/loss'),
  *('a,b"c', 'ä\\nö'),
]


def test_scalars_of_a_step_are_recorded_whatever_their_names(tmp_path):
  def train_step(hps, run):
    inner = tiny.adam(hps, run)

    def step(state, gradients, key):
      value, grad, model_state = gradients.grad_fn(state.params, True)
      updates, opt_state = inner.update(grad, state.opt_state, state.params)
      params = optax.apply_updates(state.params, updates)
      scalars = {name: jnp.float32(i) for i, name in enumerate(NAMES)}
      return params, model_state, opt_state, {'loss': value} | scalars

    return step

  submission = dataclasses.replace(tiny.SUBMISSION, train_step=train_step)
  calls = iter(range(1000))
  stopped = run_lib.run(
    _make(submission=submission), tmp_path, lambda: next(calls) == 25
  )
  assert stopped == 'stopped'
  assert run_lib.run(_make(submission=submission), tmp_path) == 'budget'
  found = dict(parse.training_scalars(tmp_path / 'measurements.csv'))
  assert sorted(found) == list(range(60))
  for values in found.values():
    assert values.pop('loss') > 0
    assert values == {name: float(i) for i, name in enumerate(COLUMNS)}


def test_scalars_in_the_state_of_a_transformation_are_recorded(tmp_path):
  def counting(name):
    def init(params):
      return jaxperf.Scalars({name: jnp.float32(0)})

    def update(updates, state, params=None):
      return updates, jaxperf.Scalars({name: state.values[name] + 1})

    return optax.GradientTransformation(init, update)

  submission = dataclasses.replace(
    tiny.SUBMISSION,
    optimizer=lambda hps, run: optax.chain(
      counting('count'), tiny.adam(hps, run), counting('count')
    ),
  )
  run_lib.run(_make(submission=submission), tmp_path)
  found = dict(parse.training_scalars(tmp_path / 'measurements.csv'))
  assert [found[i]['count'] for i in range(60)] == list(range(1, 61))
  assert [found[i]['count 2'] for i in range(60)] == list(range(1, 61))
  assert found[0]['loss'] > 0


@pytest.mark.parametrize(
  ('scalars', 'message'),
  [
    (lambda: {'a': jnp.ones(3)}, r"'a' of the step has the shape \(3,\)"),
    (lambda: jnp.ones(()), 'as its scalars: expected a dictionary'),
  ],
)
def test_what_is_no_scalar_is_refused(tmp_path, scalars, message):
  def train_step(hps, run):
    def step(state, gradients, key):
      return state.params, state.model_state, state.opt_state, scalars()

    return step

  submission = dataclasses.replace(tiny.SUBMISSION, train_step=train_step)
  with pytest.raises(errors.UserError, match=message):
    run_lib.run(_make(submission=submission), tmp_path)


def test_interruptions_before_a_checkpoint_are_counted(tmp_path):
  class Cable(BaseException):
    """Pulled: nothing is saved, nothing is written."""

  def pull():
    raise Cable

  for _ in range(3):
    with pytest.raises(Cable):
      run_lib.run(_make(), tmp_path, pull)
  assert run_lib.run(_make(), tmp_path) == 'budget'
  assert result(tmp_path)['preemption_count'] == 3
  assert {row['preemption_count'] for row in evaluations(tmp_path)} == {'3'}
  assert (tmp_path / 'flags_3.json').exists()


def test_a_folder_that_is_moved_away_is_not_made_again(tmp_path):
  folder = tmp_path / 'trial_1'

  def move():
    if folder.exists():
      folder.rename(tmp_path / 'elsewhere')
    return False

  with pytest.raises(errors.UserError, match='moved or removed while its'):
    run_lib.run(_make(), folder, move)
  assert [path.name for path in tmp_path.iterdir()] == ['elsewhere']
