// SPDX-License-Identifier: Apache-2.0
// RecD's analytical model (arXiv 2211.05239): what folding saves, from two numbers.
//
//   S  samples of a session in what is folded together: a batch, a row group
//   d  of neighbouring samples of a session, the share with equal values
//
// A session of s samples has on average 1 + (s - 1)(1 - d) distinct rows; for any spread of session
// sizes only their mean S matters. A list that slides saves by values what one that repeats saves
// by rows, so the same holds with d the share of a list's values that the list before it has.
#pragma once

namespace onefold {

// DedupeFactor = 1 / (1 - (S - 1) / S * d): samples per distinct row.
double dedupe_factor(double samples_per_session, double unchanged);

// DedupeLen: values sent and looked up for `num_samples` samples of `mean_length` values.
double dedupe_len(double mean_length, double num_samples, double samples_per_session,
                  double unchanged);

// A folded sample has `ref_bytes` more than its values: folding is worth it above this factor,
// infinity where values are not larger than refs. 2 for one int64 and a ref of 4 bytes.
double break_even_factor(double value_bytes_per_sample, double ref_bytes);

}  // namespace onefold
