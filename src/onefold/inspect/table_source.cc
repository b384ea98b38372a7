// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/table_source.h"

#include <bit>
#include <cmath>
#include <utility>

#include "onefold/table/table_reader.h"

namespace onefold {
namespace {

int64_t word(float value) { return std::bit_cast<uint32_t>(value); }

// The column's values as words; ids are moved, floats converted.
JaggedTensor<int64_t> take_words(JaggedColumn& column) {
  if (auto* ids = std::get_if<JaggedTensor<int64_t>>(&column)) return std::move(*ids);
  const auto& floats = std::get<JaggedTensor<float>>(column);
  std::vector<int64_t> words;
  words.reserve(floats.values().size());
  for (float value : floats.values()) words.push_back(word(value));
  return JaggedTensor<int64_t>::make(std::move(words), floats.offsets()).value();
}

JaggedTensor<int64_t> dense_words(const DenseColumns& dense, size_t column) {
  JaggedTensor<int64_t> words;
  const size_t width = dense.names.size();
  const size_t num_samples = dense.values.size() / width;
  words.reserve(num_samples, num_samples);
  for (size_t i = 0; i < num_samples; ++i) {
    const float value = dense.values[i * width + column];
    const int64_t one[] = {word(value)};
    words.push_row(std::span(one).first(std::isnan(value) ? 0 : 1));
  }
  return words;
}

std::vector<uint64_t> keys(const std::vector<int64_t>& ids) { return {ids.begin(), ids.end()}; }

class TableSource : public SampleSource {
 public:
  explicit TableSource(std::unique_ptr<TableReader> reader)
      : reader_(std::move(reader)), labels_(reader_->schema().label_names()) {
    const Schema& schema = reader_->schema();
    auto describe = [](const FeatureSpec& f) { return SourceFeature{f.name, to_string(f.kind)}; };
    for (const std::string& group : schema.groups()) {
      SourceGroup& added = groups_.emplace_back(SourceGroup{group, {}});
      for (const auto& f : schema.group_features(group)) added.features.push_back(describe(f));
    }
    for (const auto& f : schema.sample_features()) groups_.push_back({"", {describe(f)}});
    for (const auto& f : schema.dense_features()) groups_.push_back({"", {describe(f)}});
  }

  const std::vector<SourceGroup>& groups() const override { return groups_; }
  const std::vector<std::string>& labels() const override { return labels_; }

  Result<std::optional<SampleChunk>> next() override {
    if (next_row_group_ == reader_->row_groups().size()) return std::optional<SampleChunk>();
    ONEFOLD_ASSIGN_OR_RETURN(Batch batch, reader_->read(reader_->row_groups()[next_row_group_++]));
    SampleChunk chunk;
    chunk.session = keys(batch.session_id);
    chunk.user = keys(batch.user_id);
    chunk.request = keys(batch.request_id);
    chunk.time = std::move(batch.time_us);
    chunk.positives.assign(labels_.size(), 0);
    for (size_t i = 0; i < batch.labels.values.size(); ++i) {
      chunk.positives[i % labels_.size()] += batch.labels.values[i] > 0;
    }
    for (FeatureGroup& group : batch.groups) {
      SampleChunk::Rows& rows = chunk.groups.emplace_back();
      rows.row_of_sample = group.features.inverse_indices();
      add_features(group.features.mutable_unique(), rows);
    }
    for (const std::string& key : batch.features.keys()) {
      chunk.groups.emplace_back().features.push_back(
          take_words(batch.features.mutable_column(key)));
    }
    for (size_t f = 0; f < batch.dense.names.size(); ++f) {
      chunk.groups.emplace_back().features.push_back(dense_words(batch.dense, f));
    }
    return std::optional<SampleChunk>(std::move(chunk));
  }

 private:
  static void add_features(KeyedJaggedTensor& kjt, SampleChunk::Rows& rows) {
    for (const std::string& key : kjt.keys()) {
      rows.features.push_back(take_words(kjt.mutable_column(key)));
    }
  }

  std::unique_ptr<TableReader> reader_;
  std::vector<std::string> labels_;
  std::vector<SourceGroup> groups_;
  size_t next_row_group_ = 0;
};

}  // namespace

Result<std::unique_ptr<SampleSource>> open_table_source(const std::string& table) {
  // Folding a plain table's row groups first means hashing each distinct list once.
  ONEFOLD_ASSIGN_OR_RETURN(auto reader, TableReader::open(table, {.columns = {}, .fold = true}));
  return std::unique_ptr<SampleSource>(std::make_unique<TableSource>(std::move(reader)));
}

}  // namespace onefold
