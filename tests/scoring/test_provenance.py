# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Results that different things have made are warned of."""

import json

import pytest

from jaxperf.records import read
from jaxperf.scoring import selection, verdict
from tests import result_trees

MADE = {
  'submission': {'a.py': '01'},
  'packages': {'jax': '0.10.2', 'optax': '0.2.8'},
  'numerics': {'jax_enable_x64': False},
  'machine': {'platform': 'gpu', 'devices': 8},
}


@pytest.fixture
def warned(tmp_path):
  """The warnings about two trials each of two submissions."""

  def make(*identities):
    names = [('a', 1), ('a', 2), ('b', 1), ('b', 2)]
    for (name, trial), entries in zip(names, identities, strict=True):
      folder = result_trees.trial_folder(
        tmp_path, name, 0, result_trees.CONFORMER, trial
      )
      result_trees.write_trial(folder, [(10, 5.0, 0.5), (20, 9.0, 0.01)])
      if entries is not None:
        (folder / 'identity.json').write_text(json.dumps(entries))
    results = read.results(tmp_path)
    found = verdict.judge(
      results, selection.Options(rules='v0.5', ruleset='self')
    )
    about = ('versions of its files', 'ran with')
    return [
      line for line in found.warnings if any(word in line for word in about)
    ], found.notes

  return make


def with_(part, **values):
  return MADE | {part: MADE[part] | values}


def test_nothing_is_said_of_equal_trials(warned):
  assert warned([MADE], [MADE], [MADE], [MADE]) == ([], [])


def test_nothing_is_said_where_nothing_was_recorded(warned):
  assert warned(None, [MADE], None, [MADE]) == ([], [])


def test_two_versions_of_a_submission_are_warned_of(warned):
  other = with_('submission', **{'a.py': '02'})
  (sentence,), _ = warned([MADE], [other], [MADE], [MADE])
  assert sentence.startswith('results of a come from 2 versions')
  assert 'a/study_0/librispeech_conformer_jax/trial_1' in sentence
  assert '--changed=rerun' in sentence


def test_other_files_of_another_submission_are_no_other_version(warned):
  other = with_('submission', **{'b.py': '02'})
  assert warned([MADE], [MADE], [other], [other]) == ([], [])


def test_other_packages_are_warned_of(warned):
  other = with_('packages', jax='0.11.0')
  (sentence,), _ = warned([MADE], [MADE], [other], [other])
  assert 'different packages, jax: 0.10.2 (a); 0.11.0 (b)' in sentence


def test_a_trial_that_went_on_with_other_numerics_is_warned_of(warned):
  other = with_('numerics', jax_enable_x64=True)
  (_, sentence), _ = warned([MADE], [MADE, other], [MADE], [MADE])
  assert 'numerics, jax_enable_x64: False (a, b); True (a)' in sentence


def test_x64_in_all_trials_is_warned_of(warned):
  other = with_('numerics', jax_enable_x64=True)
  (sentence,), _ = warned([other], [other], [other], [other])
  assert sentence.startswith('4 trials ran with JAX_ENABLE_X64, which changes')


def test_another_number_of_devices_is_warned_of(warned):
  other = with_('machine', devices=4)
  (sentence,), _ = warned([MADE], [MADE], [MADE], [other])
  assert 'different machine, devices: 8 (a, b); 4 (b)' in sentence


@pytest.mark.parametrize('text', ['[{', '3', '[[]]'])
def test_a_damaged_record_is_noted(warned, tmp_path, text):
  folder = tmp_path / 'a/study_0/librispeech_conformer_jax/trial_1'
  warned([MADE], [MADE], [MADE], [MADE])
  (folder / 'identity.json').write_text(text)
  (note,) = read.results(tmp_path).notes
  assert note.where.endswith('trial_1/identity.json')
  assert 'is damaged' in note.what
