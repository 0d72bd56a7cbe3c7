# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of the rule sets, against the published targets and budgets."""

import dataclasses

import pytest

from jaxperf import rules
from jaxperf.scoring import published

# Validation targets as published with the competition's results.
PUBLISHED_TARGETS = """
criteo1tb loss 0.123735
criteo1tb_layernorm loss 0.123757
criteo1tb_embed_init loss 0.129657
criteo1tb_resnet loss 0.12415
fastmri ssim 0.723653
fastmri_model_size ssim 0.723559
fastmri_tanh ssim 0.71784
fastmri_layernorm ssim 0.723284
imagenet_resnet accuracy 0.77431
imagenet_resnet_silu accuracy 0.75445
imagenet_resnet_gelu accuracy 0.76765
imagenet_resnet_large_bn_init accuracy 0.76526
imagenet_vit accuracy 0.77309
imagenet_vit_glu accuracy 0.75738
imagenet_vit_post_ln accuracy 0.75312
imagenet_vit_map accuracy 0.77113
librispeech_conformer wer 0.085884
librispeech_conformer_attention_temperature wer 0.109977
librispeech_conformer_layernorm wer 0.09731
librispeech_conformer_gelu wer 0.094114
librispeech_deepspeech wer 0.119936
librispeech_deepspeech_tanh wer 0.150883
librispeech_deepspeech_no_resnet wer 0.131564
librispeech_deepspeech_norm_and_spec_aug wer 0.14342
ogbg mean_average_precision 0.28098
ogbg_gelu mean_average_precision 0.27771
ogbg_silu mean_average_precision 0.282178
ogbg_model_size mean_average_precision 0.269446
wmt bleu 30.8491
wmt_post_ln bleu 30.0779
wmt_attention_temp bleu 29.3379
wmt_glu_tanh bleu 29.5779
"""
# Step hint and seconds of v0.5; the same of v0.6; seconds between evaluations.
BUDGETS = """
criteo1tb 10666 7703 10666 7703 120
fastmri 36189 8859 18094 4430 80
imagenet_resnet 186666 63008 195999 66159 510
imagenet_vit 186666 77520 167999 69768 420
librispeech_conformer 80000 61068 76000 58015 1440
librispeech_deepspeech 48000 55506 38400 44405 1440
ogbg 80000 18477 52000 12011 240
wmt 133333 48151 120000 43336 840
"""
TARGETS = [line.split() for line in PUBLISHED_TARGETS.split('\n') if line]


@pytest.mark.parametrize('name', ['v0.5', 'v0.6'])
def test_targets_are_the_published_ones(name):
  loaded = rules.load(name)
  assert {
    (w.name, w.metric, w.validation_target) for w in loaded.workloads.values()
  } == {(n, metric, float(target)) for n, metric, target in TARGETS}


@pytest.mark.parametrize('name', ['v0.5', 'v0.6'])
def test_every_workload_has_its_base_workloads_limits(name):
  loaded = rules.load(name)
  lines = [line.split() for line in BUDGETS.split('\n') if line]
  assert loaded.base_workloads == tuple(line[0] for line in lines)
  for base, *numbers in lines:
    numbers = [float(number) for number in numbers]
    hint, budget = numbers[:2] if name == 'v0.5' else numbers[2:4]
    family = [w for w in loaded.workloads.values() if base in (w.name, w.base)]
    assert len(family) == 4
    for workload in family:
      assert (workload.step_hint, workload.budget) == (hint, budget)
      assert workload.eval_period == numbers[4]


@pytest.mark.parametrize('name', ['v0.5', 'v0.6'])
def test_errors_are_minimised_and_merits_maximised(name):
  for workload in rules.load(name).workloads.values():
    assert workload.minimize == (workload.metric in ('loss', 'wer'))


def test_only_the_competition_has_held_out_variants():
  assert rules.load('v0.6').held_out == {}
  assert rules.load('v0.5').held_out == {
    'criteo1tb_embed_init': 'criteo1tb',
    'fastmri_tanh': 'fastmri',
    'imagenet_resnet_large_bn_init': 'imagenet_resnet',
    'librispeech_conformer_layernorm': 'librispeech_conformer',
    'ogbg_model_size': 'ogbg',
    'wmt_glu_tanh': 'wmt',
  }


def test_studies_trials_and_self_tuning_budgets_follow_the_version():
  v05, v06 = rules.load('v0.5'), rules.load('v0.6')
  assert (v05.studies, v06.studies) == (5, 3)
  assert v05.trials('external') == v06.trials('external') == 5
  assert v05.trials('self') == v06.trials('self') == 1
  assert v05.budget('wmt', 'self') == 3 * 48151
  assert v06.budget('wmt', 'self') == 1.5 * 43336


def test_a_target_must_be_beaten_strictly_and_nan_never_does():
  wer = rules.load('v0.5').workloads['librispeech_conformer']
  assert wer.reached(0.0858, wer.validation_target)
  assert not wer.reached(0.085884, wer.validation_target)
  assert not wer.reached(float('nan'), wer.validation_target)
  bleu = dataclasses.replace(wer, minimize=False)
  assert bleu.reached(0.0859, bleu.validation_target)


def test_shipped_facts_name_only_known_workloads():
  known = set(rules.load('v0.5').workloads)
  for ruleset, submissions in (('external', 11), ('self', 6)):
    times = published.times('v0.5', ruleset)
    assert len(times) == submissions
    assert set(times.columns) <= known


WHOLE = """
title = "x"
unit = "steps"
studies = 1
external_trials = 1
self_tuning_budget = 1.0
counts_compilation = false
hardware = "any"
precision = "float32"
tau_max = 4.0
fixed_batch_size = true

[workloads.mini_clicks]
metric = "loss"
direction = "minimize"
validation_target = 0.5
test_target = 0.5
budget = 10
eval_period = 5
step_hint = 10
"""


@pytest.mark.parametrize(
  ('old', 'new', 'said'),
  [
    ('title = "x"', 'title = "x', 'line 2'),
    ('[workloads.mini_clicks]', '', 'it has no table'),
    ('title = "x"', 'workloads = 3', 'it has no table|Cannot'),
    ('studies = 1', '', 'studies is missing'),
    ('studies = 1', 'study = 1', "unknown key 'study': did you mean 'studies'"),
    ('studies = 1', 'studies = "two"', "studies is 'two', expected a whole"),
    ('studies = 1', 'studies = 0', 'studies is 0, expected more than 0'),
    ('unit = "steps"', 'unit = "hours"', "unit is 'hours', expected seconds"),
    ('metric = "loss"', 'metric = 1', r'\[workloads.mini_clicks\] metric is 1'),
    ('budget = 10', 'budget = nan', 'budget is nan, expected more than 0'),
    ('budget = 10', 'budget = true', 'budget is True, expected a number'),
    ('"minimize"', '"down"', "direction is 'down', expected 'minimize'"),
    ('budget = 10', 'base = "a"\nbudget = 10', "base is 'a', which has no"),
    ('budget = 10', 'budget = 10\nmetric_range = [1]', 'expected two numbers'),
  ],
)
def test_a_wrong_rules_file_is_told_in_one_sentence(tmp_path, old, new, said):
  path = tmp_path / 'mine.toml'
  path.write_text(WHOLE)
  assert rules.load(str(path)).workloads['mini_clicks'].budget == 10
  bad = tmp_path / 'bad.toml'
  bad.write_text(WHOLE.replace(old, new, 1))
  with pytest.raises(ValueError, match=said) as caught:
    rules.load(str(bad))
  assert str(bad) in str(caught.value)
  assert '\n' not in str(caught.value)


def test_the_newest_version_is_the_largest_number():
  assert rules.newest_first()[:3] == ['v1.0', 'v0.6', 'v0.5']
  assert rules.newest('finewebedu_lm').name == 'v1.0'
  assert len(rules.load('v1.0').base_workloads) == 9


def test_a_target_that_there_is_not_is_reached():
  goal = rules.load('v1.0').workloads['finewebedu_lm']
  assert goal.test_target is None
  assert goal.reached(1e9, None)
  assert not goal.reached(22.3, goal.validation_target)
  assert goal.reached(22.2, goal.validation_target)
  assert not goal.reached(0.5, goal.validation_target)  # Below 1: impossible.


def test_v1_budgets_add_up_to_the_published_hours():
  every = rules.load('v1.0')
  total = sum(every.budget(name, 'external') for name in every.base_workloads)
  assert total == 265_883
  assert every.budget('finewebedu_lm', 'self') == 47_950.5
