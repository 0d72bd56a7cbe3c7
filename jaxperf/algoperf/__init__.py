# Copyright 2026 The jaxperf authors
# SPDX-License-Identifier: Apache-2.0
"""Runs submission files that were written against the AlgoPerf API.

Such a file is stepped from Python: it compiles its own update, with its own
shardings, and gets a workload object to ask. `files` recognises them,
`adapter` makes a submission of one, `method` is how it trains, `driver` calls
its functions, `workload` is what they may ask, `state` is how their state is
saved, and `api` stands for the package that they import.
"""
