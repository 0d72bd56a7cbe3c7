# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of prepared data: what models are given, drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import workloads
from jaxperf import errors, prepared
from jaxperf.datasets import check, show
from tests import imagenet_archives, mri_scans
from workloads.fastmri import pictures as scans
from workloads.imagenet import examples
from workloads.imagenet import pictures as images
from workloads.librispeech import features
from workloads.librispeech import pictures as speech


def first(name, data_dir, split):
  """The first example of an evaluation."""
  data = workloads.build(name, data=data_dir).data
  return {key: x[0] for key, x in next(data.evaluation(split, 1)).items()}


def test_scans_are_those_that_are_evaluated(mri_data):
  folder = mri_data / 'fastmri'
  strips = {x.title: x for x in scans.strips(folder, prepared.read(folder))}
  assert len(strips) == 3
  for split in ('validation', 'test'):
    example = first('fastmri', mri_data, split)
    one, two, *_ = strips[split].pictures
    np.testing.assert_array_equal(one, example['inputs'])
    np.testing.assert_array_equal(two, example['targets'])
    assert strips[split].captions[1] == 'target'


def test_images_are_those_that_are_evaluated_in_their_colours():
  data_dir = imagenet_archives.data_dir()
  folder = data_dir / 'imagenet'
  strips = {x.title: x for x in images.strips(folder, prepared.read(folder))}
  assert len(strips) == 4
  for split in ('validation', 'test'):
    example = first('imagenet_resnet', data_dir, split)
    colours = example['inputs'] * examples.STD + examples.MEAN
    np.testing.assert_allclose(
      strips[split].pictures[0], np.clip(colours / 255, 0, 1), atol=1e-6
    )
    assert strips[split].captions[0] == f'class {example["targets"]}'


def test_utterances_are_those_that_are_evaluated(speech_data):
  folder = speech_data / 'librispeech'
  strips = {x.title: x for x in speech.strips(folder, prepared.read(folder))}
  assert len(strips) == 3
  data = workloads.build('librispeech_conformer', data=speech_data).data
  for split in ('validation', 'test'):
    audio, paddings = next(data.evaluation(split, 1))['inputs']
    mel, empty = features.log_mel(audio, paddings)
    wanted = np.asarray(mel[0][empty[0] == 0])[:240]
    np.testing.assert_allclose(
      strips[split].pictures[0][::-1].T, wanted, atol=1e-4
    )
    assert strips[split].captions[0]


def test_a_drawing_has_what_it_is_given(tmp_path):
  ramp = np.linspace(0, 1, 400).reshape(20, 20)
  red = np.broadcast_to([1.0, 0.0, 0.0], (20, 20, 3))
  strips = [
    show.Strip('grey', ['one', 'two'], [ramp, ramp.T]),
    show.Strip('colours', ['three'], [red]),
  ]
  show.draw(strips, tmp_path / 'drawn.png')
  pixels = plt.imread(tmp_path / 'drawn.png')[..., :3]
  upper = pixels[: len(pixels) // 2]
  is_red = (pixels == [1, 0, 0]).all(axis=-1)
  assert is_red[len(upper) :].mean() > 0.2
  assert not is_red[: len(upper)].any()
  assert len(np.unique(upper[..., 0])) > 200


def test_a_file_that_cannot_be_written_is_told(mri_data, tmp_path):
  with pytest.raises(errors.UserError, match='cannot be drawn'):
    check.show(mri_scans.dataset(), mri_data / 'fastmri', tmp_path)
