// SPDX-License-Identifier: Apache-2.0
#include "onefold/embedding_store/version_writer.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/base/hash.h"
#include "onefold/jagged/jagged_tensor.h"
#include "onefold/table/parquet_writer.h"

namespace onefold {
namespace {

namespace fs = std::filesystem;

// What an interrupted version has sealed so far; same fields as the finished one.
constexpr const char* kProgressName = "_progress.json";

const std::vector<TableColumn>& part_columns() {
  static const std::vector<TableColumn> columns = {{"user_id", ColumnType::kInt64},
                                                   {"embedding", ColumnType::kIdList}};
  return columns;
}

// Equal in everything that decides the rows; what a resumed run may differ in is left out.
bool same_description(VersionInfo a, VersionInfo b) {
  for (VersionInfo* info : {&a, &b}) {
    info->files.clear();
    info->created_us = 0;
    info->quantization_rmse = 0;
  }
  return a == b;
}

class Writer final : public VersionWriter {
 public:
  Writer(std::string partial, std::string final_path, VersionInfo info,
         const VersionWriterOptions& options)
      : partial_(std::move(partial)),
        final_path_(std::move(final_path)),
        options_(options),
        words_(words_per_user(info.format, info.shape)),
        info_(std::move(info)) {}

  // Takes over the parts of an earlier run, or starts afresh.
  Status start() {
    const std::string progress = partial_ + "/" + kProgressName;
    if (path_exists(progress)) {
      ONEFOLD_ASSIGN_OR_RETURN(const std::string text, read_file(progress));
      const auto entry = nlohmann::json::parse(text, nullptr, false);
      if (!entry.is_discarded()) {
        Result<VersionInfo> earlier = version_info_from_json(entry.at("info"));
        if (earlier.ok() && same_description(*earlier, info_)) {
          info_.files = earlier->files;
          error_sum_ = entry.at("error_sum").get<double>();
          error_count_ = entry.at("error_count").get<int64_t>();
          return {};
        }
      }
    }
    std::error_code ignored;
    fs::remove_all(partial_, ignored);
    return make_directories(partial_);
  }

  std::optional<int64_t> resume_after() const override {
    if (info_.files.empty()) return std::nullopt;
    return info_.files.back().last_user;
  }

  int64_t num_users() const override {
    return info_.num_users() + part_.num_users + static_cast<int64_t>(users_.size());
  }

  Status add(int64_t user_id, std::span<const int64_t> words) override {
    ONEFOLD_CHECK(static_cast<int64_t>(words.size()) == words_, "embedding has a wrong size");
    const std::optional<int64_t> last = last_user();
    ONEFOLD_CHECK(!last || user_id > *last, "users must be added in ascending order");
    users_.push_back(user_id);
    rows_.push_row(words);
    if (static_cast<int64_t>(users_.size()) == options_.row_group_users) {
      ONEFOLD_RETURN_IF_ERROR(write_row_group());
      if (part_.num_users >= options_.part_users) return seal_part();
    }
    return {};
  }

  void add_error(double sum_of_squares, int64_t count) override {
    error_sum_ += sum_of_squares;
    error_count_ += count;
  }

  Result<VersionInfo> finish() override {
    ONEFOLD_RETURN_IF_ERROR(write_row_group());
    ONEFOLD_RETURN_IF_ERROR(seal_part());
    info_.quantization_rmse = error_count_ > 0 ? std::sqrt(error_sum_ / error_count_) : 0;
    info_.created_us = std::chrono::duration_cast<std::chrono::microseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
    ONEFOLD_RETURN_IF_ERROR(
        write_file_atomic(partial_ + "/" + kVersionName, to_json(info_).dump(2) + "\n"));
    std::error_code ignored;
    fs::remove(partial_ + "/" + kProgressName, ignored);
    // Fsyncs the directory after the rename.
    ONEFOLD_RETURN_IF_ERROR(publish_file(partial_, final_path_));
    return info_;
  }

 private:
  std::optional<int64_t> last_user() const {
    if (!users_.empty()) return users_.back();
    if (part_.num_users > 0) return part_.last_user;
    return resume_after();
  }

  Status write_row_group() {
    if (users_.empty()) return {};
    if (!file_) {
      part_ = {};
      part_.path = fmt::format("part-{:05}.parquet", info_.files.size());
      // Level 1: nibbles of a trained model hardly compress; the user ids and scales do.
      ONEFOLD_ASSIGN_OR_RETURN(
          file_, ParquetWriter::create(partial_ + "/" + part_.path, part_columns(), /*zstd=*/1));
    }
    const auto num_rows = static_cast<int64_t>(users_.size());
    const JaggedColumn rows = std::move(rows_);
    ONEFOLD_RETURN_IF_ERROR(file_->write_row_group(
        num_rows,
        {to_arrow(std::span<const int64_t>(users_)), to_arrow(rows, FeatureKind::kIdList)}));
    part_.num_users += num_rows;
    part_.row_group_rows.push_back(num_rows);
    part_.row_group_first.push_back(users_.front());
    part_.last_user = users_.back();
    users_.clear();
    rows_ = {};
    return {};
  }

  Status seal_part() {
    if (!file_) return {};
    ONEFOLD_ASSIGN_OR_RETURN(const TableFile written, file_->close());
    file_.reset();
    part_.bytes = written.bytes;
    part_.xxh3 = written.xxh3;
    info_.files.push_back(std::move(part_));
    part_ = {};
    const nlohmann::json progress = {
        {"info", to_json(info_)}, {"error_sum", error_sum_}, {"error_count", error_count_}};
    return write_file_atomic(partial_ + "/" + kProgressName, progress.dump(2) + "\n");
  }

  std::string partial_, final_path_;
  VersionWriterOptions options_;
  int64_t words_;
  VersionInfo info_;
  VersionFile part_;  // being written
  std::unique_ptr<ParquetWriter> file_;
  std::vector<int64_t> users_;  // of the row group being filled
  JaggedTensor<int64_t> rows_;
  double error_sum_ = 0;
  int64_t error_count_ = 0;
};

}  // namespace

Result<std::unique_ptr<VersionWriter>> VersionWriter::open(const EmbeddingStore& store,
                                                           VersionInfo info,
                                                           const VersionWriterOptions& options) {
  ONEFOLD_ASSIGN_OR_RETURN(info.id, store.next_id());
  info.files.clear();
  if (!info.base.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(const VersionInfo base, store.info(info.base));
    ONEFOLD_RETURN_IF_ERROR(check_compatible(info, base));
  }
  const std::string partial = store.directory() + "/." + info.id + ".partial";
  const std::string final_path = store.version_directory(info.id);
  auto writer = std::make_unique<Writer>(partial, final_path, std::move(info), options);
  ONEFOLD_RETURN_IF_ERROR(writer->start());
  return std::unique_ptr<VersionWriter>(std::move(writer));
}

}  // namespace onefold
