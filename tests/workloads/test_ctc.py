# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import reference
from workloads.librispeech import ctc

STORED = 'librispeech_conformer'


def collapse(path):
  """Labels of a path: repeats merged, then blanks dropped."""
  return [label for label, _ in itertools.groupby(path) if label]


def stored_loss():
  """Outputs and batch of the stored loss."""
  arrays = reference.arrays(STORED)
  outputs = arrays['loss/logits'], arrays['loss/logit_paddings']
  targets = arrays['loss/targets'], arrays['loss/target_paddings']
  return outputs, {'targets': targets}


@pytest.mark.parity
def test_loss_and_gradient_are_those_of_the_benchmark(parity):
  arrays = reference.arrays(STORED)
  (logits, paddings), batch = stored_loss()
  loss = ctc.loss((logits, paddings), batch)
  for name, value in zip(('summed', 'n_valid_examples', 'per_example'), loss):
    parity.close(name, value, arrays[f'loss/nomask/{name}'], rtol=1e-4)
  gradient = jax.jit(
    jax.grad(lambda x: ctc.loss((x, paddings), batch).per_example[:3].sum())
  )(logits)
  expected = arrays['loss/nomask/grad_of_first_three']
  parity.close('gradient', gradient, expected, atol=1e-5)


@pytest.mark.parity
def test_weights_drop_utterances_from_the_loss_and_their_labels(parity):
  arrays = reference.arrays(STORED)
  outputs, batch = stored_loss()
  batch = {
    'targets': tuple(x[:, :4] for x in batch['targets']),
    'weights': arrays['loss/mask4/mask'],
  }
  loss = ctc.loss(outputs, batch)
  for name, value in [
    ('summed', loss.summed),
    ('per_example', loss.per_example),
  ]:
    parity.close(name, value, arrays[f'loss/mask4/{name}'], rtol=1e-4)
  expected = arrays['loss/mask4/n_valid_examples_sensible']
  parity.equal('n_valid', loss.n_valid, expected)


def test_loss_is_minus_the_log_of_the_summed_probability_of_all_paths():
  num_frames, num_labels = 5, 3
  rng = np.random.default_rng(0)
  logits = rng.normal(size=(2, num_frames, num_labels)).astype(np.float32)
  probability = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
  labels, real_frames = [[1, 1], [2, 1]], [5, 4]
  expected = []
  for p, wanted, count in zip(probability, labels, real_frames):
    paths = itertools.product(range(num_labels), repeat=count)
    fitting = [path for path in paths if collapse(path) == wanted]
    expected.append(
      -np.log(sum(p[np.arange(count), list(path)].prod() for path in fitting))
    )
  paddings = np.arange(num_frames) >= np.array(real_frames)[:, None]
  batch = {'targets': (jnp.array(labels, jnp.float32), jnp.zeros((2, 2)))}
  loss = ctc.loss((logits, paddings.astype(np.float32)), batch)
  np.testing.assert_allclose(loss.per_example, expected, rtol=1e-5)
  assert loss.n_valid == 4


def test_more_labels_than_frames_cost_much_but_have_a_finite_gradient():
  (logits, paddings), batch = stored_loss()

  @jax.jit
  @jax.value_and_grad
  def cost(logits):
    return ctc.loss((logits, paddings), batch).per_example[3]

  value, gradient = cost(logits)
  assert 0.9e5 < value < 1.1e5
  assert np.isfinite(gradient).all()


def test_a_batch_without_valid_utterances_has_no_loss():
  outputs, batch = stored_loss()
  loss = ctc.loss(outputs, batch | {'weights': jnp.zeros(4)})
  assert loss.summed == 0
  assert loss.n_valid == 1
  assert ctc.num_labels(batch | {'weights': jnp.zeros(4)}) == 0


def test_labels_outside_the_vocabulary_leave_the_loss_finite():
  outputs, batch = stored_loss()
  labels, paddings = batch['targets']
  loss = ctc.loss(outputs, {'targets': (labels + 1_000, paddings)})
  assert np.isfinite(loss.summed)


def test_label_smoothing_is_ignored():
  outputs, batch = stored_loss()
  plain = ctc.loss(outputs, batch)
  smoothed = ctc.loss(outputs, batch, label_smoothing=0.1)
  np.testing.assert_array_equal(plain.per_example, smoothed.per_example)


@pytest.mark.parity
def test_decoding_is_that_of_the_benchmark(parity):
  arrays = reference.arrays(STORED)
  for case, first in [('plain', 0), ('empty_first_row', 1)]:
    # The benchmark gives an empty first row another row's label: left out.
    decoded = ctc.greedy_decode(
      arrays[f'decode/{case}/logits'], arrays[f'decode/{case}/logit_paddings']
    )
    expected = arrays[f'decode/{case}/decoded']
    parity.equal(case, decoded[first:], expected[first:])
    parity.equal('empty rows', decoded[:first], np.zeros_like(decoded[:first]))


def test_decoding_collapses_the_best_path_of_the_real_frames():
  rng = np.random.default_rng(0)
  logits = rng.normal(size=(50, 12, 3))
  lengths = rng.integers(0, 13, size=50)
  paddings = (np.arange(12) >= lengths[:, None]).astype(np.float32)
  decoded = np.asarray(ctc.greedy_decode(jnp.asarray(logits), paddings))
  for row, path, length in zip(decoded, logits.argmax(axis=-1), lengths):
    wanted = collapse(path[:length])
    assert row.tolist() == wanted + [0] * (12 - len(wanted))
