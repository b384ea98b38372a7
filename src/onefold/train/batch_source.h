// SPDX-License-Identifier: Apache-2.0
// BatchSource: where the trainer gets its batches; a table's reader, or batches in memory.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/batch.h"
#include "onefold/reader/batch_reader.h"

namespace onefold {

class BatchSource {
 public:
  virtual ~BatchSource() = default;

  // As BatchReader: nullopt at the end of an epoch, the call after that begins the next one.
  virtual Result<std::optional<Batch>> next() = 0;
  virtual ReaderState state() const = 0;
  virtual Status restore(const ReaderState& state) = 0;
};

// The same batches in the same order every epoch.
class MemorySource : public BatchSource {
 public:
  explicit MemorySource(std::vector<Batch> batches) : batches_(std::move(batches)) {}

  Result<std::optional<Batch>> next() override;
  ReaderState state() const override { return state_; }
  Status restore(const ReaderState& state) override;

 private:
  std::vector<Batch> batches_;
  ReaderState state_;
};

class ReaderSource : public BatchSource {
 public:
  explicit ReaderSource(std::unique_ptr<BatchReader> reader) : reader_(std::move(reader)) {}

  Result<std::optional<Batch>> next() override { return reader_->next(); }
  ReaderState state() const override { return reader_->state(); }
  Status restore(const ReaderState& state) override { return reader_->restore(state); }

 private:
  std::unique_ptr<BatchReader> reader_;
};

}  // namespace onefold
