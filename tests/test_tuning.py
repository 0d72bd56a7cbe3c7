# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
from scipy.stats import qmc

from jaxperf import halton, tuning

SPACE = tuning.SearchSpace(
  learning_rate=tuning.Range(1e-4, 1e-2, 'log'),
  beta=tuning.Range(0.8, 0.9),
  smoothing=tuning.Choice((0.1, 0.2)),
  eps=1e-8,
)


def test_draws_are_reproducible_and_depend_on_the_seed():
  assert tuning.draw(SPACE, 25, 0) == tuning.draw(SPACE, 25, 0)
  assert tuning.draw(SPACE, 25, 0) != tuning.draw(SPACE, 25, 1)
  # A longer draw begins with the shorter one.
  assert tuning.draw(SPACE, 25, 0)[:5] == tuning.draw(SPACE, 5, 0)


def test_draws_stay_inside_and_constants_stay_constant():
  points = tuning.draw(SPACE, 200, 3)
  rates = [p['learning_rate'] for p in points]
  assert 1e-4 <= min(rates) < 1.2e-4
  assert 0.8e-2 < max(rates) <= 1e-2
  assert {p['smoothing'] for p in points} == {0.1, 0.2}
  assert {p['eps'] for p in points} == {1e-8}
  median = np.median(np.log10(rates))
  assert abs(median + 3) < 0.05  # Log scaling: half of them below 1e-3.


@pytest.mark.parametrize('seed', range(5))
def test_points_fill_the_box_more_evenly_than_random_ones(seed):
  box = tuning.SearchSpace(**{k: tuning.Range(0, 1) for k in 'abc'})
  points = [list(p.values()) for p in tuning.draw(box, 64, seed)]
  random = np.random.default_rng(seed).random((64, 3))
  assert qmc.discrepancy(points) < 0.5 * qmc.discrepancy(random)


def test_unscrambled_digits_give_the_plain_halton_sequence():
  ours = [halton.radical_inverse(i, 3, np.arange(3)) for i in range(1, 20)]
  theirs = qmc.Halton(2, scramble=False).random(20)[1:, 1]
  np.testing.assert_allclose(ours, theirs)


def test_a_list_is_used_whole_and_in_order_in_every_study():
  points = tuning.Points([{'a': i} for i in range(5)])
  dealt = tuning.deal(points, studies=2, trials=5, seed=0)
  assert dealt == [[{'a': i} for i in range(5)]] * 2


def test_a_space_deals_every_drawn_point_once():
  dealt = tuning.deal(SPACE, studies=3, trials=5, seed=7)
  flat = [p for study in dealt for p in study]
  drawn = tuning.draw(SPACE, 15, 7)
  key = str
  assert sorted(flat, key=key) == sorted(drawn, key=key)
  assert flat != drawn


def test_too_few_points_are_refused():
  with pytest.raises(ValueError, match='lists 1 tuning points'):
    tuning.deal(tuning.Points([{'a': 1}]), studies=1, trials=5, seed=0)


@pytest.mark.parametrize(
  ('make', 'message'),
  [
    (lambda: tuning.Points([]), 'Points is empty'),
    (lambda: tuning.Points([{'a': 1}, {'b': 1}]), 'tuning point 1'),
    (lambda: tuning.Range(1, 0), 'min 1 above max 0'),
    (lambda: tuning.Range(0, 1, 'log'), 'needs min > 0'),
    (lambda: tuning.Range(0, 1, 'cubic'), "expected 'linear' or 'log'"),
    (lambda: tuning.Choice(()), 'at least one value'),
    (lambda: tuning.SearchSpace(), 'SearchSpace is empty'),
  ],
)
def test_what_cannot_be_tuned_is_refused(make, message):
  with pytest.raises(ValueError, match=message):
    make()


def test_algoperf_search_spaces_are_read_and_written(tmp_path):
  path = tmp_path / 'tuning_search_space.json'
  content = {
    'learning_rate': {'min': 1e-4, 'max': 1e-2, 'scaling': 'log'},
    'beta': {'min': 0.8, 'max': 0.9, 'scaling': 'linear'},
    'smoothing': {'feasible_points': [0.1, 0.2]},
    'eps': {'feasible_points': [1e-8]},
  }
  path.write_text(json.dumps(content))
  assert tuning.read_json(path) == SPACE
  path.write_text(json.dumps(tuning.as_json(SPACE)))
  assert json.loads(path.read_text()) == content
  points = tuning.Points([{'a': 1.0}, {'a': 2.0}])
  path.write_text(json.dumps(tuning.as_json(points)))
  assert tuning.read_json(path) == points


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    (
      '{"lr": {"feasible_points": 0.1}}',
      "'lr': feasible_points is 0.1, expected a list",
    ),
    (
      '{"lr": {"feasible_points": "cosine"}}',
      "'lr': feasible_points is 'cosine', exp",
    ),
    ('{"lr": {"feasible_points": {"a": 1}}}', "'lr': feasible_points is {'a'"),
    ('{"lr": {"feasible_points": []}}', "'lr': a choice needs at least one"),
    (
      '{"lr": {"min": "1e-4", "max": "1e-2"}}',
      "'lr': min of a range is '1e-4'",
    ),
    ('{"lr": {"min": 0, "max": true}}', "'lr': max of a range is True"),
    ('{"lr": {"min": 0, "max": NaN}}', "'lr': max of a range is nan"),
    ('{"lr": {"min": [0], "max": 1}}', r"'lr': min of a range is \[0\]"),
    ('{"lr": {"min": 0, "max": 1, "scale": "log"}}', "'lr' has .*'scale', exp"),
    ('{"lr": {"min": 0, "max": 1, "scaling": 3}}', "'lr': scaling is 3"),
    ('{"lr": {"min": 0}}', "'lr' has 'min', expected"),
    ('{"lr": {}}', "'lr' has nothing, expected"),
    ('{"lr": [0.1, 0.2]}', "'lr' is a list: write .*feasible_points"),
    ('{"lr": 1, "lr": 2}', "'lr' is given 2 times"),
    ('{}', 'SearchSpace is empty'),
    ('[]', 'Points is empty'),
    ('[0.1]', r'Points was given \[0.1\], expected a list of points'),
    ('["lr"]', 'Points was given'),
    ('"text"', "it holds 'text', expected"),
    ('3', 'it holds 3, expected'),
    ('{"lr": ', 'Expecting value'),
  ],
)
def test_search_spaces_that_cannot_be_read_are_named(tmp_path, text, message):
  path = tmp_path / 'space.json'
  path.write_text(text)
  with pytest.raises(ValueError, match=message) as caught:
    tuning.read_json(path)
  assert str(caught.value).startswith(f'{path}: ')


def test_constants_and_lists_as_values_are_read(tmp_path):
  path = tmp_path / 'space.json'
  path.write_text(
    '{"lr": 0.1, "name": "cosine", "flag": false, "none": null, '
    '"betas": {"feasible_points": [[0.9, 0.95], [0.9, 0.999]]}}'
  )
  space = tuning.read_json(path)
  (points,) = tuning.deal(space, 1, 8, 0)
  assert {point['lr'] for point in points} == {0.1}
  assert {point['name'] for point in points} == {'cosine'}
  assert {tuple(point['betas']) for point in points} == {
    (0.9, 0.95),
    (0.9, 0.999),
  }
  path.write_text(json.dumps(tuning.as_json(space)))
  assert tuning.read_json(path) == space


@pytest.mark.parametrize('given', ['text', {'lr': 1}, [1], ['a'], 3])
def test_points_are_mappings(given):
  with pytest.raises(
    (ValueError, TypeError), match=r'expected a list|iterable'
  ):
    tuning.Points(given)


def test_letters_of_a_text_are_no_values():
  with pytest.raises(ValueError, match="values is 'cosine', expected a list"):
    tuning.Choice('cosine')


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('{"learning rate": 1}', "'learning rate' cannot be the name"),
    ('{"lambda": 1}', "'lambda' cannot be the name"),
    ('[{"": 1}]', "'' cannot be the name"),
    ('{"lr": NaN}', "'lr' is not a number"),
    ('[{"lr": [1, NaN]}]', "'lr' is not a number"),
    ('{"lr": "1e-3"}', "'lr' has the text '1e-3': write 1e-3 without quotes"),
    ('[{"lr": "0.1"}]', "'lr' has the text '0.1'"),
    ('{"lr": {"feasible_points": [1, "2"]}}', "'lr' has the text '2'"),
    ('[{"lr": {"min": 0, "max": 1}}]', "'lr' is .*belongs in a search space"),
    ('{"lr": {"min": -1e308, "max": 1e308}}', 'is too wide'),
    (
      f'{{"lr": {{"min": 1, "max": 1{"0" * 400}}}}}',
      'expected a finite number',
    ),
    ('[' * 100_000, 'nested too deeply'),
  ],
)
def test_values_that_no_submission_can_use_are_named(tmp_path, text, message):
  path = tmp_path / 'space.json'
  path.write_text(text)
  with pytest.raises(ValueError, match=message) as caught:
    tuning.read_json(path)
  assert len(str(caught.value)) < 400


def test_any_name_that_python_has_is_one(tmp_path):
  path = tmp_path / 'space.json'
  path.write_text('{"self": 1, "dimensions": {"min": 0, "max": 1}, "β": 2}')
  ((point,),) = tuning.deal(tuning.read_json(path), 1, 1, 0)
  assert (point['self'], point['β']) == (1, 2)
  assert tuning.SelfTuning(self=1).constants == {'self': 1}


def test_points_are_what_json_gives_back():
  values = {
    'a': np.float32(0.5),
    'b': np.int64(3),
    'c': np.bool_(True),
    'd': np.array([1.0, 2.0]),
    'e': (1, [2, None]),
    'f': 'cosine',
    'g': {'x': np.array(1)},
  }
  expected = {
    **{'a': 0.5, 'b': 3, 'c': True, 'd': [1.0, 2.0], 'e': [1, [2, None]]},
    **{'f': 'cosine', 'g': {'x': 1}},
  }
  for made in (
    tuning.SelfTuning(**values).constants,
    *tuning.Points([values]).points,
    *tuning.draw(tuning.SearchSpace(**values), 1, 0),
  ):
    assert made == expected == json.loads(json.dumps(made))
  drawn = tuning.draw(
    tuning.SearchSpace(
      x=tuning.Range(np.float32(1), np.int64(2)), y=tuning.Choice(values['e'])
    ),
    *(4, 0),
  )
  assert json.loads(json.dumps(drawn)) == drawn


@pytest.mark.parametrize(
  'value', [len, lambda step: step, {1, 2}, b'x', 1j, object()]
)
def test_what_cannot_be_recorded_is_no_value(value):
  for make in (
    lambda: tuning.SelfTuning(schedule=value),
    lambda: tuning.Points([{'schedule': value}]),
    lambda: tuning.SearchSpace(schedule=value),
    lambda: tuning.Choice((value,)),
  ):
    with pytest.raises(ValueError, match='which can be recorded'):
      make()
