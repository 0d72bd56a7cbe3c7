# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""The runs that defined the benchmark's targets: one point per workload.

Each is a submission by the name of its workload, with one tuning point, e.g.
`baselines.target_setting:ogbg`. The horizon is three quarters of the step hint;
the warm-up is a number of steps. Variants whose rule was not published use
NadamW where the point has a beta2, heavy-ball momentum otherwise.
"""

from __future__ import annotations

import functools

import optax

from baselines import heavy_ball, nadamw
from baselines.parts import batch_sizes, checks, schedules
from jaxperf import submission, tuning


def _adam(hps, run, *, rule):
  checks.validate(**vars(hps))
  schedule = schedules.warmup_cosine(
    hps.learning_rate, hps.warmup_steps, int(0.75 * run.step_hint)
  )
  return rule(
    schedule, b1=hps.beta1, b2=hps.beta2, weight_decay=hps.weight_decay
  )


def _momentum(hps, run, *, nesterov):
  checks.validate(**vars(hps))
  schedule = schedules.warmup_linear(
    hps.learning_rate,
    hps.warmup_steps,
    int(0.75 * run.step_hint),
    hps.decay_steps_factor,
    hps.end_factor,
  )
  return heavy_ball.momentum(
    schedule, hps.beta1, hps.weight_decay, nesterov=nesterov
  )


_RULES = {
  'adamw': functools.partial(_adam, rule=optax.adamw),
  'nadamw': functools.partial(_adam, rule=nadamw.nadamw),
  'heavy_ball': functools.partial(_momentum, nesterov=False),
  'nesterov': functools.partial(_momentum, nesterov=True),
}


def _submission(rule, learning_rate, beta1, warmup_steps, weight_decay, **rest):
  point = {
    'learning_rate': learning_rate,
    'beta1': beta1,
    'warmup_steps': warmup_steps,
    'weight_decay': weight_decay,
    **rest,
  }
  return submission.Submission(
    optimizer=_RULES[rule],
    tuning=tuning.Points([point]),
    batch_size={**batch_sizes.BASELINE, 'imagenet_vit_glu': 512},
  )


def _nadamw(learning_rate, beta1, beta2, warmup_steps, weight_decay, **rest):
  return _submission(
    'nadamw',
    learning_rate,
    beta1,
    warmup_steps,
    weight_decay,
    beta2=beta2,
    **rest,
  )


# fmt: off
criteo1tb = _nadamw(
  0.0033313215673016375, 0.948000082541717, 0.9987934318891598, 159,
  0.0035784380304876183)
fastmri = _submission(
  'nesterov', 0.028609, 0.981543, 1357, 0.000576, decay_steps_factor=0.984398,
  end_factor=0.01)
imagenet_resnet = _submission(
  'heavy_ball', 4.131896390902391, 0.9274758113254791, 6999,
  5.6687777311501786e-6, decay_steps_factor=0.9007765761611038,
  end_factor=0.001, label_smoothing=0.2)
imagenet_vit = _nadamw(
  0.0008445074561975979, 0.8895758153482813, 0.9978504782314613, 6999,
  0.08135402759553023)
librispeech_conformer = _submission(
  'adamw', 0.002106913873888147, 0.8231189937738506, 1199, 0.27590534177690645,
  beta2=0.8774571227688758)
librispeech_deepspeech = _nadamw(
  0.004958460849689891, 0.863744242567442, 0.6291854735396584, 720,
  0.1147386261512052)
ogbg = _submission(
  'nesterov', 2.4917728606918423, 0.9449369031171744, 3000,
  1.2859640541025928e-7, decay_steps_factor=0.861509027839639, end_factor=0.001)
wmt = _nadamw(
  0.0017486387539278373, 0.9326607383586145, 0.9955159689799007, 1999,
  0.08121616522670176, label_smoothing=0.0)
finewebedu_lm = _nadamw(
  0.00038418421332238876, 1 - 0.01564758865, 0.992362328914093, 2700,
  0.25551270901641954)
criteo1tb_embed_init = _nadamw(
  0.002517072211464665, 0.9908351643533544, 0.9859568907533993, 799,
  0.12274552870237089)
criteo1tb_layernorm = _nadamw(
  0.05493199486120455, 0.954922991734919, 0.9986188074995163, 799,
  0.00011065469792077193)
criteo1tb_resnet = _nadamw(
  0.001493629901423942, 0.9592129978682067, 0.9824918272399145, 399,
  0.00038587516415285595)
fastmri_layernorm = _nadamw(
  0.008334676559764446, 0.8294338711079317, 0.8551723332825868, 2714,
  0.01371235755699044)
fastmri_model_size = _nadamw(
  0.006173154695175443, 0.8496694604806512, 0.4639437428687345, 1357,
  0.1679001017957879)
fastmri_tanh = _nadamw(
  0.04037951750205473, 0.9932215932637941, 0.9425306939334134, 542,
  0.14877061239151607)
imagenet_resnet_gelu = _submission(
  'heavy_ball', 0.3850582234619253, 0.9845129495436189, 6999,
  1.7359160785435053e-5, decay_steps_factor=0.9504205232618159,
  end_factor=0.001, label_smoothing=0.2)
imagenet_resnet_large_bn_init = _submission(
  'heavy_ball', 4.131896390902391, 0.9274758113254791, 6999,
  5.6687777311501786e-6, decay_steps_factor=0.9007765761611038, end_factor=0.01,
  label_smoothing=0.2)
imagenet_resnet_silu = _nadamw(
  0.01897755400372091, 0.9666072782043229, 0.99681600289198, 6999,
  0.015653883841116094)
imagenet_vit_glu = _nadamw(
  0.0008445074561975979, 0.8895758153482813, 0.9978504782314613, 6999,
  0.08135402759553023)
imagenet_vit_map = _nadamw(
  0.0008445074561975979, 0.8895758153482813, 0.9978504782314613, 6999,
  0.08135402759553023)
imagenet_vit_post_ln = _nadamw(
  0.00026032497966327757, 0.9709035036599892, 0.6572080806975734, 13999,
  0.03077045727617869)
librispeech_conformer_attention_temperature = _nadamw(
  0.0007852999990476642, 0.6994142393023162, 0.9918636824608852, 6000,
  0.07286322158086678)
librispeech_conformer_gelu = _nadamw(
  0.000590120167916659, 0.737199286155609, 0.05919391544031072, 9999,
  0.14128519778326312)
librispeech_conformer_layernorm = _nadamw(
  0.0014446807792420305, 0.7427148812902895, 0.8993064520764248, 3000,
  0.06875136511682291)
librispeech_deepspeech_no_resnet = _nadamw(
  0.0020162740358935045, 0.9604907112078142, 0.8765457000160508, 3600,
  0.0006149579248633481)
librispeech_deepspeech_no_resnet_older = _nadamw(
  0.0035278622506232458, 0.8192305396005781, 0.495850879212151, 6000,
  0.04339748256184769)
librispeech_deepspeech_norm_and_spec_aug = _nadamw(
  0.0014446807792420305, 0.7427148812902895, 0.8993064520764248, 1800,
  0.06875136511682291)
librispeech_deepspeech_norm_and_spec_aug_older = _nadamw(
  0.001308209823469072, 0.9731333693827139, 0.9981232922116359, 6000,
  0.16375311233774334)
librispeech_deepspeech_tanh = _nadamw(
  0.003604759885558324, 0.9931094324430452, 0.9976871843749077, 720,
  0.120077307855989)
ogbg_gelu = _nadamw(
  0.01897755400372091, 0.9666072782043229, 0.99681600289198, 3000,
  0.015653883841116094)
ogbg_model_size = _nadamw(
  0.001734480757979605, 0.855609542347586, 0.9834185656478605, 3000,
  0.019843063335529494)
ogbg_silu = _nadamw(
  0.00027866530268792414, 0.9919340993463499, 0.9979843253162892, 6000,
  0.00032418357325210813)
wmt_attention_temp = _nadamw(
  0.000590120167916659, 0.737199286155609, 0.05919391544031072, 9999,
  0.14128519778326312, label_smoothing=0.0)
wmt_glu_tanh = _nadamw(
  0.000872041489644454, 0.45562164405092065, 0.9982167124443476, 4999,
  0.01536114562763022, label_smoothing=0.1)
wmt_post_ln = _nadamw(
  0.0003477912008450351, 0.9936632117510711, 0.9967873550453692, 9999,
  0.04120183162940475, label_smoothing=0.0)
# fmt: on
