// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/ebnerd.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <unordered_set>

#include "onefold/base/files.h"
#include "onefold/log/ebnerd_files.h"
#include "onefold/log/log_staging.h"

namespace onefold {
namespace {

constexpr int64_t kSplitBase = 10'000'000'000;
// Requests expanded at a time: 256 x 300 history events x 24 bytes is about 2 MB.
constexpr int64_t kChunkRows = 256;

// What makes a behaviors row unusable; nullptr if nothing does.
const char* reason_to_skip(const EbnerdBehaviors& rows, int64_t row) {
  if (rows.session_id.length(row) == 0) return "no session_id";
  if (rows.user_id.length(row) == 0) return "no user_id";
  if (rows.time_us.length(row) == 0) return "no impression_time";
  if (rows.inview.length(row) == 0) return "no article in view";
  return nullptr;
}

// Rows to import, by time; rows of equal time in file order.
std::vector<int64_t> arrival_order(const EbnerdBehaviors& rows, EbnerdCounts* counts) {
  std::vector<int64_t> order;
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    if (const char* reason = reason_to_skip(rows, row)) {
      ++counts->skipped[reason];
    } else {
      order.push_back(row);
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return rows.time_us.row(a)[0] < rows.time_us.row(b)[0];
  });
  return order;
}

template <typename T>
JaggedColumn gather(const JaggedTensor<T>& from, std::span<const int64_t> rows) {
  JaggedTensor<T> gathered;
  int64_t num_values = 0;
  for (int64_t row : rows) num_values += row < 0 ? 0 : from.length(row);
  gathered.reserve(static_cast<int64_t>(rows.size()), num_values);
  for (int64_t row : rows) gathered.push_row(row < 0 ? std::span<const T>() : from.row(row));
  return gathered;
}

class SplitImport {
 public:
  SplitImport(int64_t split, EbnerdBehaviors rows, EbnerdHistory history, EbnerdCounts* counts)
      : base_(split * kSplitBase),
        rows_(std::move(rows)),
        history_(std::move(history)),
        counts_(counts) {}

  Status write_to(LogWriter& writer, const ImportProgress& progress) {
    const std::vector<int64_t> order = arrival_order(rows_, counts_);
    for (size_t begin = 0; begin < order.size(); begin += kChunkRows) {
      const auto chunk =
          std::span(order).subspan(begin, std::min<size_t>(kChunkRows, order.size() - begin));
      ONEFOLD_RETURN_IF_ERROR(writer.append(requests_of(chunk)));
      ONEFOLD_RETURN_IF_ERROR(writer.append(clicks_of(chunk)));
      if (progress) progress(static_cast<int64_t>(begin) + std::ssize(chunk), std::ssize(order));
    }
    return {};
  }

 private:
  // -1 for a user without history.
  int64_t history_row(int64_t user) {
    const auto found = history_.row_of_user.find(user);
    if (found != history_.row_of_user.end()) return found->second;
    if (without_history_.insert(user).second) ++counts_->users_without_history;
    return -1;
  }

  FeatureRecords requests_of(std::span<const int64_t> chunk) {
    FeatureRecords records = empty_feature_records(schema_);
    std::vector<int64_t> history_rows;
    for (int64_t row : chunk) {
      const int64_t user = rows_.user_id.row(row)[0];
      records.session_id.push_back(base_ + rows_.session_id.row(row)[0]);
      records.user_id.push_back(user);
      records.request_id.push_back(base_ + row);
      records.time_us.push_back(rows_.time_us.row(row)[0]);
      records.user_dense.values.push_back(rows_.is_sso_user[row]);
      records.user_dense.values.push_back(rows_.is_subscriber[row]);
      const auto inview = rows_.inview.row(row);
      records.item_id.insert(records.item_id.end(), inview.begin(), inview.end());
      records.candidate_offsets.push_back(static_cast<int32_t>(records.item_id.size()));
      history_rows.push_back(history_row(user));
    }
    const int64_t num_requests = records.num_requests();
    records.user_features = keyed(
        jagged_features(schema_, FeatureScope::kUser), num_requests,
        {gather(history_.article_id, history_rows), gather(history_.time_seconds, history_rows),
         gather(history_.read_time, history_rows), gather(history_.scroll, history_rows),
         gather(rows_.device_type, chunk), gather(rows_.gender, chunk), gather(rows_.age, chunk),
         gather(rows_.postcode, chunk), gather(rows_.page_article_id, chunk)});
    records.item_features = KeyedJaggedTensor(records.num_candidates());
    counts_->requests += num_requests;
    counts_->candidates += records.num_candidates();
    return records;
  }

  EventRecords clicks_of(std::span<const int64_t> chunk) {
    EventRecords events;
    for (int64_t row : chunk) {
      const float seconds = std::isnan(rows_.read_time[row]) ? 0 : rows_.read_time[row];
      for (int64_t article : rows_.clicked.row(row)) {
        events.session_id.push_back(base_ + rows_.session_id.row(row)[0]);
        events.user_id.push_back(rows_.user_id.row(row)[0]);
        events.request_id.push_back(base_ + row);
        events.item_id.push_back(article);
        events.time_us.push_back(rows_.time_us.row(row)[0] + std::llround(seconds * 1e6));
        events.action.push_back("click");
        events.value.push_back(rows_.next_read_time[row]);
      }
    }
    counts_->clicks += events.num_events();
    counts_->events += events.num_events();
    return events;
  }

  const Schema schema_ = ebnerd_schema();
  int64_t base_;
  EbnerdBehaviors rows_;
  EbnerdHistory history_;
  std::unordered_set<int64_t> without_history_;
  EbnerdCounts* counts_;
};

struct SplitFolder {
  int64_t number;
  std::string path;
};

Result<std::vector<SplitFolder>> folders_of(const std::string& directory, EbnerdSplit split) {
  std::vector<SplitFolder> wanted;
  if (split != EbnerdSplit::kValidation) wanted.push_back({1, directory + "/train"});
  if (split != EbnerdSplit::kTrain) wanted.push_back({2, directory + "/validation"});
  if (split == EbnerdSplit::kAll) {
    std::erase_if(wanted, [](const SplitFolder& folder) { return !path_exists(folder.path); });
  }
  if (wanted.empty()) {
    return not_found(directory +
                     ": holds neither train/ nor validation/; give the folder that "
                     "the EB-NeRD bundle was unpacked to");
  }
  return wanted;
}

}  // namespace

Result<EbnerdSplit> parse_ebnerd_split(const std::string& name) {
  if (name == "train") return EbnerdSplit::kTrain;
  if (name == "validation") return EbnerdSplit::kValidation;
  if (name == "all") return EbnerdSplit::kAll;
  return invalid_argument("'" + name + "' is none of: train, validation, all");
}

Schema ebnerd_schema() {
  using enum FeatureKind;
  constexpr FeatureScope kUser = FeatureScope::kUser;
  return {{{"history_article_id", kIdList, kUser, "history"},
           {"history_time", kIdList, kUser, "history"},
           {"history_read_time", kFloatList, kUser, "history"},
           {"history_scroll", kFloatList, kUser, "history"},
           {"device_type", kId, kUser, ""},
           {"gender", kId, kUser, ""},
           {"age", kId, kUser, ""},
           {"postcode", kId, kUser, ""},
           {"page_article_id", kId, kUser, ""},
           {"is_sso_user", kDense, kUser, ""},
           {"is_subscriber", kDense, kUser, ""}},
          {{"click", "click", false}}};
}

Result<EbnerdCounts> import_ebnerd(const std::string& directory, const std::string& logs,
                                   EbnerdSplit split, const LogOptions& options,
                                   const ImportProgress& progress) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto folders, folders_of(directory, split));
  ONEFOLD_ASSIGN_OR_RETURN(auto staging, LogStaging::create(logs, ebnerd_schema(), options));
  EbnerdCounts counts;
  for (const SplitFolder& folder : folders) {
    ONEFOLD_ASSIGN_OR_RETURN(auto rows, read_ebnerd_behaviors(folder.path + "/behaviors.parquet"));
    ONEFOLD_ASSIGN_OR_RETURN(auto history, read_ebnerd_history(folder.path + "/history.parquet"));
    SplitImport import(folder.number, std::move(rows), std::move(history), &counts);
    ONEFOLD_RETURN_IF_ERROR(import.write_to(staging.writer(), progress));
  }
  ONEFOLD_RETURN_IF_ERROR(staging.commit());
  return counts;
}

}  // namespace onefold
