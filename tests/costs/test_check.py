# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import dataclasses
import json
import operator
import textwrap

import pytest

from jaxperf import errors
from jaxperf.cli import main
from jaxperf.costs import check, first_steps, step_cost
from jaxperf.running import config as config_lib
from jaxperf.running import jobs as jobs_lib
from jaxperf.running import plugins
from tests import command, planned, tiny
from workloads.criteo1tb import workload as workload_lib

ADAM = """
import jax, jaxperf, optax
def adam(hps, run):
  return optax.adam(hps.learning_rate)
submission = jaxperf.Submission(
  optimizer=adam,
  tuning=jaxperf.SelfTuning(
    learning_rate=1e-3, label_smoothing=0.1, dropout_rate=0.1
  ),
)
"""
# Works for one of the two losses only.
PICKY = """
import jax, jaxperf, optax
def picky(hps, run):
  if run.loss_kind == 'softmax_cross_entropy':
    raise ValueError('no softmax, please')
  return optax.sgd(1e-3)
submission = jaxperf.Submission(optimizer=picky)
"""
EXPLODING = """
import jax, jaxperf, optax
submission = jaxperf.Submission(
  optimizer=lambda hps, run: optax.scale_by_schedule(
    lambda count: jax.numpy.where(count < 2, 0.0, jax.numpy.nan)
  ),
)
"""
FORGETFUL = """
import jax, jaxperf, optax
submission = jaxperf.Submission(
  optimizer=lambda hps, run: optax.sgd(1e-3),
  eval_params=lambda opt_state, params, model_state: ({}, model_state),
)
"""


@pytest.fixture
def planned_text(tmp_path):
  """Makes the config and jobs of a submission text, as plain values."""

  def plan(text, workload='mini_clicks'):
    file = tmp_path / 'mine.py'
    file.write_text(textwrap.dedent(text))
    values = {'submissions': (str(file),), 'workloads': (workload,)}
    config = config_lib.make_config(values)
    jobs = jobs_lib.as_json(planned.jobs(config))
    return {**values, 'data': 'fake'}, jobs

  return plan


def test_the_cost_of_a_step_is_what_hand_computing_gives(planned_text):
  config, jobs = planned_text(ADAM)
  cost = step_cost.ahead_of_time(config, jobs[:1], None)
  model = workload_lib.MINI.model.config
  # 27 vectors, the first made of 13 numbers; the products of all 378 pairs of
  # them, and the first again, go on.
  widths = [(13, *model.bottom), (model.bottom[-1] + 378, *model.top)]
  bottom, top = (sum(map(operator.mul, w, w[1:])) for w in widths)
  numbers = model.vocab_size * model.embed_dim
  numbers += bottom + sum(model.bottom) + top + sum(model.top)
  assert cost['params'] == 4 * numbers
  assert cost['opt_state'] == 2 * cost['params'] + 4
  batch = 128 // 8 * (39 + 1) * 4
  state = cost['params'] + cost['opt_state']
  assert cost['arguments'] == state + batch + 4  # The number of the step.
  # Forward once and backward twice, but nothing wants the inputs' gradient.
  pairs = 27 * 27 * model.embed_dim
  operations = 3 * (bottom + pairs + top) - 13 * model.bottom[0]
  assert cost['flops'] == 2 * 128 * operations
  # The gradient, the loss and the number of examples.
  assert set(cost['collectives']) == {'all-reduce'}
  extra = cost['collectives']['all-reduce'] - cost['params']
  assert 0 <= extra <= 8
  assert (cost['devices'], cost['batch_size']) == (8, 128)
  assert cost['ignored'] == ['label_smoothing=0.1']


@pytest.mark.parametrize(
  ('has', 'expected'),
  [
    (
      {},
      [
        *('aux_dropout_rate=0', 'aux_dropout_rate=0.3', 'dropout_rate=0.1'),
        *('label_smoothing=0.1', 'label_smoothing=0.2'),
      ],
    ),
    (
      {'default_dropout': 0.0, 'uses_label_smoothing': True},
      ['aux_dropout_rate=0', 'aux_dropout_rate=0.3'],
    ),
  ],
)
def test_what_a_workload_has_no_use_for_is_told_of_all_tuning_points(
  has, expected
):
  points = [
    {'dropout_rate': 0.1, 'aux_dropout_rate': 0.0, 'label_smoothing': 0.2},
    {'dropout_rate': 0.0, 'aux_dropout_rate': 0.3, 'label_smoothing': 0.1},
    {'dropout_rate': None, 'label_smoothing': 0.2, 'learning_rate': 1e-3},
  ]
  description = tiny.WORKLOAD.description
  description = dataclasses.replace(
    description,
    **{'default_dropout': None, 'uses_label_smoothing': False, **has},
  )
  workload = tiny.WORKLOAD._replace(description=description)
  assert step_cost.ignored(points, workload) == expected


@pytest.mark.parametrize(
  ('name', 'mini'),
  [
    ('criteo1tb', 'mini_clicks'),
    ('imagenet_vit_glu', 'mini_images_vit'),
    ('ogbg', 'mini_molecules'),
  ],
)
def test_base_workloads_and_variants_have_a_mini_sibling(name, mini):
  assert plugins.mini_sibling(name) == mini


def test_microbatches_are_found_that_fit_the_memory(planned_text, tmp_path):
  rules = tmp_path / 'rules.toml'
  rules.write_text(RULES)
  config, jobs = planned_text(
    ADAM.replace('optimizer=adam', 'optimizer=adam, batch_size=2**17')
  )
  config['rules'] = str(rules)
  whole = step_cost.ahead_of_time(config, jobs[:1], None)
  assert whole['microbatches'] == 1
  limit = whole['memory'] - whole['temporaries'] // 2
  cost = step_cost.ahead_of_time(config, jobs[:1], limit)
  assert cost['microbatches'] in (2, 4)
  assert cost['needed'] <= limit < cost['memory'] == whole['memory']


def test_microbatches_cannot_help_where_the_state_is_too_large(planned_text):
  config, jobs = planned_text(ADAM)
  cost = step_cost.ahead_of_time(config, jobs[:1], 2**20)
  assert cost['microbatches'] is None


def test_weights_to_judge_must_be_like_the_parameters(planned_text):
  config, jobs = planned_text(FORGETFUL)
  with pytest.raises(errors.UserError, match='eval_params'):
    step_cost.ahead_of_time(config, jobs, None)


def test_the_step_at_which_numbers_are_no_longer_finite_is_found(planned_text):
  config, jobs = planned_text(EXPLODING)
  found = first_steps.run(config, jobs[:1])
  # The third update spoils the parameters; its loss is still that of before.
  assert len(found['losses']) == 3
  assert None not in found['losses']
  assert found['non_finite'].startswith('params/')


def test_one_failing_workload_leaves_the_others_checked(tmp_path):
  file = tmp_path / 'picky.py'
  file.write_text(PICKY)
  done = command.jaxperf(
    *('check', file, '--rules=mini', '--devices=2'),
    '--workloads=mini_clicks,mini_images_vit',
  )
  assert done.returncode == 1, done.stderr
  lines = done.stdout.splitlines()
  assert max(map(len, lines)) <= 100
  rows = {line.split()[0]: line.split()[1:] for line in lines if line}
  assert rows['mini_clicks'][-1] == 'ok'
  assert rows['mini_images_vit'] == ['-'] * 7 + ['failed']
  reason = next(x for x in lines if x.startswith('mini_images_vit: '))
  assert 'no softmax, please' in reason


@pytest.mark.slow
def test_execute_takes_the_steps_on_the_workload_itself(tmp_path):
  file = tmp_path / 'mine.py'
  file.write_text(ADAM)
  done = command.jaxperf(
    *('check', file, '--rules=mini', '--workloads=mini_clicks'),
    *('--execute', '--format=json', '--device-memory=1MiB'),
  )
  content = json.loads(done.stdout)
  assert done.returncode == 1
  row = content['rows'][0]
  assert 'microbatches do not help' in row['problems'][0]
  assert row['first_steps']['workload'] == 'mini_clicks'
  assert len(row['first_steps']['losses']) == first_steps.STEPS


@pytest.mark.parametrize(
  ('option', 'expected'),
  [
    ('--workloads=mini_click', "did you mean 'mini_clicks'"),
    ('--rules=v0.7', "did you mean 'v0.6'"),
    ('--device-memory=16', 'a number and one of'),
    ('--device-memory=0GiB', 'a number and one of'),
    ('--devices=0', 'whole number above 0'),
    ('--ruleset=external', 'tunes itself'),
  ],
)
def test_misuse_is_explained_before_anything_starts(
  option, expected, tmp_path, capsys
):
  file = tmp_path / 'mine.py'
  file.write_text(ADAM)
  try:
    code = main.main(['check', str(file), '--rules=mini', option])
  except SystemExit as stop:
    code = stop.code
  assert code == 2
  assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
  ('text', 'expected'),
  [
    ('16GiB', 17_179_869_184),
    ('80 GB', 80_000_000_000),
    ('1.5MiB', 1_572_864),
  ],
)
def test_sizes_are_read_with_their_units(text, expected):
  assert check.parse_bytes(text) == expected


RULES = """
title = "any batch size"
unit = "steps"
studies = 1
external_trials = 1
self_tuning_budget = 1.0
counts_compilation = false
hardware = "any"
precision = "float32"
tau_max = 4.0
fixed_batch_size = false

[workloads.mini_clicks]
metric = "loss"
direction = "minimize"
validation_target = 0.1
test_target = 0.1
budget = 10
eval_period = 10
step_hint = 10
"""


@pytest.mark.parametrize(
  ('workloads', 'expected'),
  [
    (None, 'v1.0'),
    ('finewebedu_lm', 'v1.0'),
    ('criteo1tb_layernorm,wmt', 'v1.0'),
    ('mini_mri', 'mini'),
  ],
)
def test_the_newest_rules_that_know_the_workloads_are_taken(
  workloads, expected
):
  assert check._rules(workloads) == expected
