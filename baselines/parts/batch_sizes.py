# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Global batch sizes of the published submissions: workload -> examples.

The only place where an algorithm may know workloads by name. A variant that is
not listed uses the size of its base workload.
"""

from types import MappingProxyType

# Submissions that do not list the activation variants of ResNet.
PLAIN = MappingProxyType(
  {
    'criteo1tb': 262_144,
    'fastmri': 32,
    'imagenet_resnet': 1024,
    'imagenet_vit': 1024,
    'librispeech_conformer': 256,
    'librispeech_deepspeech': 256,
    'ogbg': 512,
    'wmt': 128,
    'finewebedu_lm': 64,
  }
)


def _with(sizes=PLAIN, **changes):
  return MappingProxyType({**sizes, **changes})


BASELINE = _with(imagenet_resnet_silu=512, imagenet_resnet_gelu=512)
CYCLIC = _with(imagenet_resnet=512)
SHAMPOO = _with(BASELINE, librispeech_conformer=200, librispeech_deepspeech=224)
SCHEDULE_FREE = _with(
  BASELINE,
  fastmri=16,
  librispeech_conformer=224,
  librispeech_deepspeech=128,
)
SCHEDULE_FREE_EXTERNAL_V06 = _with(
  BASELINE, fastmri=16, imagenet_resnet=768, librispeech_conformer=128
)
SCHEDULE_FREE_JAX = _with(
  BASELINE, librispeech_deepspeech=128, finewebedu_lm=32
)
PRODIGY = _with(librispeech_conformer=224)
