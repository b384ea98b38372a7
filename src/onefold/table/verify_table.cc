// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/verify_table.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include <arrow/array.h>
#include <arrow/table.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/base/hash.h"
#include "onefold/table/arrow_file.h"
#include "onefold/table/manifest.h"
#include "onefold/table/manifest_checksum.h"
#include "onefold/table/sample_refs.h"
#include "onefold/table/table_columns.h"
#include "onefold/table/table_reader.h"

namespace onefold {
namespace {

class Verifier {
 public:
  Verifier(std::string table, const VerifyProgress& progress)
      : table_(std::move(table)), progress_(progress) {}

  Result<TableVerification> run() {
    auto manifest = read_manifest(table_);
    if (!manifest.ok()) {
      if (manifest.status().code() == StatusCode::kNotFound) return manifest.status();
      problem(kManifestName, manifest.status());
      return report_;
    }
    manifest_ = *std::move(manifest);
    ONEFOLD_RETURN_IF_ERROR(check_has_checksum());
    ONEFOLD_RETURN_IF_ERROR(find_unlisted());
    for (const TablePart& part : manifest_.parts) total_bytes_ += bytes_of(part);
    for (const TablePart& part : manifest_.parts) check_part(part);
    if (report_.problems.empty()) check_samples();
    if (report_.problems.empty()) check_counts();
    return report_;
  }

 private:
  void problem(const std::string& file, std::string what) {
    report_.problems.push_back({file, std::move(what)});
  }
  // A Status names the full path; the report's own column has it already.
  void problem(const std::string& file, const Status& status) {
    std::string what = status.message();
    const std::string prefix = table_ + "/" + file + ": ";
    if (what.starts_with(prefix)) what.erase(0, prefix.size());
    problem(file, std::move(what));
  }

  static int64_t bytes_of(const TablePart& part) {
    int64_t bytes = part.samples.bytes;
    for (const GroupFile& group : part.groups) bytes += group.file.bytes;
    return bytes;
  }

  bool has_file_checksums() const {
    for (const TablePart& part : manifest_.parts) {
      if (!part.samples.xxh3.empty()) return true;
      for (const GroupFile& group : part.groups) {
        if (!group.file.xxh3.empty()) return true;
      }
    }
    return false;
  }

  // One changed byte must not pass by making a key of it that no reader knows.
  Status check_has_checksum() {
    ONEFOLD_ASSIGN_OR_RETURN(const std::string bytes, read_file(table_ + "/" + kManifestName));
    const auto root = nlohmann::json::parse(bytes, nullptr, /*allow_exceptions=*/false);
    if (root.is_object() && root.contains(kChecksumKey)) return {};
    if (!has_file_checksums()) {
      ++report_.unchecked_files;
      return {};
    }
    problem(
        kManifestName,
        "has no \"checksum\" of its own, although its files have one, so nobody can tell whether "
        "it is damaged (docs/table_format.md says how it is made)");
    return {};
  }

  // DuckDB and Spark read every Parquet file of a directory.
  Status find_unlisted() {
    std::set<std::string> listed;
    for (const TablePart& part : manifest_.parts) {
      listed.insert(part.samples.path);
      for (const GroupFile& group : part.groups) listed.insert(group.file.path);
    }
    ONEFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> files, list_files(table_));
    for (const std::string& file : files) {
      if (file.ends_with(".parquet") && !listed.contains(file)) {
        problem(file, std::string("is not listed in ") + kManifestName);
      }
    }
    return {};
  }

  // nullptr when `listed` is not the file that the manifest means.
  std::unique_ptr<ArrowFile> open_listed(const TableFile& listed) {
    auto file = try_open(listed);
    done_bytes_ += listed.bytes;
    if (progress_) progress_(done_bytes_, total_bytes_);
    if (file.ok()) return *std::move(file);
    problem(listed.path, file.status());
    return nullptr;
  }

  Result<std::unique_ptr<ArrowFile>> try_open(const TableFile& listed) {
    const std::string path = table_ + "/" + listed.path;
    if (!path_exists(path)) return not_found("listed in the manifest, but missing");
    ++report_.files;
    ONEFOLD_ASSIGN_OR_RETURN(const uint64_t bytes, file_size(path));
    report_.bytes += static_cast<int64_t>(bytes);
    if (static_cast<int64_t>(bytes) != listed.bytes) {
      return data_loss(fmt::format("{} bytes, but the manifest says {}", bytes, listed.bytes));
    }
    ONEFOLD_RETURN_IF_ERROR(check_bytes(path, listed));
    ONEFOLD_ASSIGN_OR_RETURN(auto file, ArrowFile::open(path));
    if (file->row_group_rows() != listed.row_group_rows) {
      return data_loss("its row groups have other numbers of rows than the manifest says");
    }
    return file;
  }

  Status check_bytes(const std::string& path, const TableFile& listed) {
    if (listed.xxh3.empty()) {
      ++report_.unchecked_files;
      return {};
    }
    ONEFOLD_ASSIGN_OR_RETURN(const std::string xxh3, hash_file(path));
    if (xxh3 == listed.xxh3) return {};
    return data_loss(
        fmt::format("its bytes have checksum {}, but the manifest says {}", xxh3, listed.xxh3));
  }

  void check_part(const TablePart& part) {
    std::unique_ptr<ArrowFile> samples = open_listed(part.samples);
    std::vector<std::unique_ptr<ArrowFile>> payloads;
    std::vector<int64_t> first_refs;
    for (const GroupFile& group : part.groups) {
      payloads.push_back(open_listed(group.file));
      first_refs.push_back(group.first_ref);
    }
    const size_t num_row_groups = part.samples.row_group_rows.size();
    for (size_t i = 0; i < num_row_groups; ++i) {
      const auto rows = samples ? decode(*samples, part.samples.path, i) : nullptr;
      if (rows) count_samples(part.samples.path, *rows);
      for (size_t g = 0; g < part.groups.size(); ++g) {
        const GroupFile& group = part.groups[g];
        const auto payload = payloads[g] ? decode(*payloads[g], group.file.path, i) : nullptr;
        if (payload) check_payload_refs(group, *payload, i, first_refs[g]);
        if (payload && rows) {
          check_sample_refs(part.samples.path, group.group, *rows, i, *payload, first_refs[g]);
        }
        first_refs[g] += group.file.row_group_rows[i];
      }
    }
  }

  std::shared_ptr<arrow::Table> decode(ArrowFile& file, const std::string& name, size_t row_group) {
    auto table = file.read(static_cast<int>(row_group));
    if (!table.ok()) return problem(name, table.status()), nullptr;
    for (int c = 0; c < (*table)->num_columns(); ++c) {
      for (const auto& chunk : (*table)->column(c)->chunks()) {
        const arrow::Status status = chunk->ValidateFull();
        if (status.ok()) continue;
        problem(name, fmt::format("row group {}, column '{}': {}", row_group,
                                  (*table)->field(c)->name(), status.message()));
        return nullptr;
      }
    }
    return *table;
  }

  void count_samples(const std::string& name, const arrow::Table& rows) {
    ++report_.row_groups;
    report_.samples += rows.num_rows();
    const std::string session = manifest_.source ? manifest_.source->session : "session_id";
    if (session.empty()) return;
    const auto column = rows.GetColumnByName(session);
    if (!column) return problem(name, "no session column '" + session + "'");
    if (column->type()->id() != arrow::Type::INT64) {
      count_sessions_ = false;  // of another type: what makes two equal is not for this to say
      return;
    }
    auto values = int64_values(rows, session);
    if (!values.ok()) {
      if (!manifest_.source) problem(name, values.status());
      count_sessions_ = false;
      return;
    }
    sessions_.insert(values->begin(), values->end());
  }

  void check_payload_refs(const GroupFile& group, const arrow::Table& payload, size_t row_group,
                          int64_t first_ref) {
    const auto refs = int64_values(payload, kRefColumn);
    if (!refs.ok()) return problem(group.file.path, refs.status());
    for (size_t row = 0; row < refs->size(); ++row) {
      if ((*refs)[row] == first_ref + static_cast<int64_t>(row)) continue;
      return problem(group.file.path,
                     fmt::format("row {} of row group {} has ref {}, expected {}", row, row_group,
                                 (*refs)[row], first_ref + static_cast<int64_t>(row)));
    }
  }

  void check_sample_refs(const std::string& name, const std::string& group,
                         const arrow::Table& rows, size_t row_group, const arrow::Table& payload,
                         int64_t first_ref) {
    const auto refs = sample_refs(rows, group, manifest_.is_windowed(group), payload, first_ref);
    if (!refs.ok()) {
      return problem(name, fmt::format("row group {}, {}", row_group, refs.status().message()));
    }
    std::vector<bool> used(static_cast<size_t>(payload.num_rows()));
    for (const int64_t row : refs->rows) used[static_cast<size_t>(row)] = true;
    report_.unused_rows += std::count(used.begin(), used.end(), false);
  }

  // As training reads them: types and nulls as the schema says.
  void check_samples() {
    if (manifest_.source && !manifest_.source->missing_keys.empty()) return;
    auto reader = TableReader::open(table_);
    if (!reader.ok()) return problem(kManifestName, reader.status());
    for (const RowGroupRef& row_group : (*reader)->row_groups()) {
      const auto batch = (*reader)->read(row_group);
      if (batch.ok()) continue;
      problem(manifest_.parts[row_group.part].samples.path, batch.status());
    }
  }

  void check_counts() {
    const auto expect = [&](const std::string& what, int64_t found, int64_t said) {
      if (found == said) return;
      problem(kManifestName, fmt::format("{} is {}, but there are {}", what, said, found));
    };
    expect("num_samples", report_.samples, manifest_.num_samples);
    const bool has_session = !manifest_.source || !manifest_.source->session.empty();
    if (has_session && count_sessions_) {
      expect("num_sessions", static_cast<int64_t>(sessions_.size()), manifest_.num_sessions);
    }
    const std::vector<std::string> groups =
        manifest_.layout == TableLayout::kFolded ? manifest_.groups() : std::vector<std::string>{};
    for (const GroupStats& stats : manifest_.group_stats) {
      const auto at = std::find(groups.begin(), groups.end(), stats.group);
      if (at == groups.end()) {
        problem(kManifestName, "group_stats of '" + stats.group + "', which is no group");
        continue;
      }
      int64_t unique = 0;
      for (const TablePart& part : manifest_.parts) {
        unique += part.groups[static_cast<size_t>(at - groups.begin())].file.num_rows;
      }
      expect("samples of group " + stats.group, report_.samples, stats.samples);
      expect("unique of group " + stats.group, unique, stats.unique);
    }
  }

  const std::string table_;
  const VerifyProgress& progress_;
  Manifest manifest_;
  TableVerification report_;
  std::unordered_set<int64_t> sessions_;
  bool count_sessions_ = true;
  int64_t done_bytes_ = 0, total_bytes_ = 0;
};

}  // namespace

Result<TableVerification> verify_table(const std::string& table, const VerifyProgress& progress) {
  return Verifier(table, progress).run();
}

nlohmann::json to_json(const TableVerification& verification) {
  nlohmann::json problems = nlohmann::json::array();
  for (const TableProblem& problem : verification.problems) {
    problems.push_back({{"file", problem.file}, {"what", problem.what}});
  }
  return {{"files", verification.files},
          {"bytes", verification.bytes},
          {"row_groups", verification.row_groups},
          {"samples", verification.samples},
          {"unused_rows", verification.unused_rows},
          {"unchecked_files", verification.unchecked_files},
          {"problems", std::move(problems)}};
}

}  // namespace onefold
