// SPDX-License-Identifier: Apache-2.0
#include "onefold/row_import/import_rows.h"

#include <algorithm>

#include "onefold/base/files.h"
#include "onefold/base/nearest_name.h"
#include "onefold/log/log_staging.h"
#include "onefold/row_import/reject_file.h"
#include "onefold/row_import/request_writer.h"
#include "onefold/row_import/row_reader.h"

namespace onefold {
namespace {

constexpr int64_t kProgressRows = 4096;

bool has(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// The run over all files.
class Importer {
 public:
  Importer(const RowMapping& mapping, const Schema& schema, LogStaging& staging,
           const ImportOptions& options)
      : mapping_(mapping),
        schema_(schema),
        options_(options),
        rejects_(staging.path() + "/" + kRejectsName),
        writer_(schema, mapping, staging.writer(), &counts_) {}

  Result<RowCounts> run(const std::vector<std::string>& files) {
    std::vector<int64_t> sizes;
    for (const std::string& path : files) {
      ONEFOLD_ASSIGN_OR_RETURN(const uint64_t bytes, file_size(path));
      sizes.push_back(static_cast<int64_t>(bytes));
      all_bytes_ += sizes.back();
    }
    for (size_t i = 0; i < files.size(); ++i) {
      ONEFOLD_RETURN_IF_ERROR(read_file(files[i], sizes[i]));
      bytes_before_ += sizes[i];
    }
    ONEFOLD_RETURN_IF_ERROR(writer_.finish());
    ONEFOLD_RETURN_IF_ERROR(rejects_.close());
    ONEFOLD_RETURN_IF_ERROR(check_absent());
    if (counts_.candidates > 0) return counts_;
    return schema_error(counts_.rows == 0
                            ? files.front() + ": there are no rows to import"
                            : "no row could be used; the first: " + counts_.examples.front());
  }

 private:
  Status read_file(const std::string& path, int64_t bytes) {
    ++counts_.files;
    ONEFOLD_ASSIGN_OR_RETURN(auto reader, RowReader::open(path, mapping_));
    if (reader.schema() != schema_) {
      return schema_error(path +
                          ": its features have other kinds than those of the first file; "
                          "give their 'kind' in " +
                          mapping_.source);
    }
    const auto on_row = [&](int64_t number, Row& row, const LeftOut& unread) -> Status {
      if (counts_.rows++ % kProgressRows == 0 && options_.progress) {
        const auto read = static_cast<int64_t>(reader.fraction_read() * static_cast<double>(bytes));
        options_.progress(bytes_before_ + read, all_bytes_);
      }
      if (unread.reason != nullptr) return leave_out({path, number}, unread);
      const int64_t time_us = row.time_us;
      ONEFOLD_ASSIGN_OR_RETURN(const LeftOut unused, writer_.add(std::move(row)));
      if (unused.reason != nullptr) return leave_out({path, number}, unused);
      counts_.first_us = std::min(counts_.first_us, time_us);
      counts_.last_us = std::max(counts_.last_us, time_us);
      return {};
    };
    const auto on_bad_row = [&](const BadRow& row) {
      ++counts_.rows;
      return leave_out({path, row.number}, {"unparsable", row.detail}, row.text);
    };
    ONEFOLD_RETURN_IF_ERROR(reader.read(on_row, on_bad_row));
    note_columns(reader);
    return {};
  }

  Status leave_out(const RowPlace& place, const LeftOut& why, const std::string& text = {}) {
    ++counts_.left_out[why.reason];
    if (counts_.examples.size() < RowCounts::kMaxExamples) {
      counts_.examples.push_back(place.text() + ": " + why.detail);
    }
    if (options_.max_rejects && counts_.rejects() > *options_.max_rejects) {
      return data_loss("more than " + std::to_string(*options_.max_rejects) +
                       " rows could not be used; the first: " + counts_.examples.front());
    }
    return rejects_.add(place, why.reason, why.detail, text);
  }

  void note_columns(const RowReader& reader) {
    for (const std::string& column : reader.unused_columns()) {
      if (!has(counts_.unused_columns, column)) counts_.unused_columns.push_back(column);
    }
    const std::vector<std::string> absent = reader.absent_columns();
    if (counts_.files == 1) {
      absent_ = absent;
    } else {
      std::erase_if(absent_, [&](const std::string& column) { return !has(absent, column); });
    }
  }

  // A misspelt column would otherwise be an empty feature.
  Status check_absent() const {
    if (has(absent_, mapping_.user.source.column) && has(absent_, mapping_.item.source.column) &&
        has(absent_, mapping_.time.source.column)) {
      return {};  // other files than the mapping's: no row could be used
    }
    for (const MappedColumn& mapped : mapping_.columns()) {
      if (!has(absent_, mapped.column)) continue;
      const std::string nearest = nearest_name(mapped.column, counts_.unused_columns);
      return mapping_.error(mapped.line,
                            mapped.key + ": no row has a '" + mapped.column + "'" +
                                (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
    }
    return {};
  }

  const RowMapping& mapping_;
  const Schema& schema_;
  const ImportOptions& options_;
  RejectFile rejects_;
  RowCounts counts_;
  RequestWriter writer_;
  std::vector<std::string> absent_;  // columns that no file had so far
  int64_t all_bytes_ = 0, bytes_before_ = 0;
};

}  // namespace

int64_t RowCounts::rejects() const {
  int64_t sum = 0;
  for (const auto& [reason, rows] : left_out) sum += rows;
  return sum;
}

Result<RowCounts> import_rows(const std::vector<std::string>& files, const RowMapping& mapping,
                              const std::string& logs, const ImportOptions& options) {
  if (files.empty()) return invalid_argument("no files to import");
  ONEFOLD_ASSIGN_OR_RETURN(const auto first, RowReader::open(files.front(), mapping));
  ONEFOLD_ASSIGN_OR_RETURN(auto staging, LogStaging::create(logs, first.schema(), options.log));
  Importer importer(mapping, first.schema(), staging, options);
  ONEFOLD_ASSIGN_OR_RETURN(const RowCounts counts, importer.run(files));
  ONEFOLD_RETURN_IF_ERROR(staging.commit());
  return counts;
}

}  // namespace onefold
