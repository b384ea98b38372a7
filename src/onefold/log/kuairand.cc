// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/kuairand.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <tuple>

#include "onefold/log/log_staging.h"

namespace onefold {
namespace {

constexpr int64_t kSessionGapUs = 30LL * 60 * 1'000'000;
constexpr int64_t kHistoryLength = 50;
constexpr size_t kChunkRequests = 256;

struct Request {
  int64_t user_begin = 0, begin = 0, end = 0;  // rows; the user's before the request are its past
  int64_t session_id = 0;
};

class KuaiRandImport {
 public:
  KuaiRandImport(KuaiRandImpressions impressions, KuaiRandHistory history, KuaiRandCounts* counts)
      : rows_(std::move(impressions.rows)),
        tags_(std::move(impressions.tags)),
        history_(std::move(history)),
        counts_(counts) {
    sort_rows();
    find_requests();
  }

  Status write_to(LogWriter& writer, const ImportProgress& progress) {
    for (size_t begin = 0; begin < requests_.size(); begin += kChunkRequests) {
      const auto chunk =
          std::span(requests_).subspan(begin, std::min(kChunkRequests, requests_.size() - begin));
      ONEFOLD_RETURN_IF_ERROR(writer.append(records_of(chunk)));
      ONEFOLD_RETURN_IF_ERROR(writer.append(events_of(chunk)));
      if (progress) progress(static_cast<int64_t>(begin + chunk.size()), std::ssize(requests_));
    }
    return {};
  }

 private:
  // By user, then time; of duplicates the one that is first in the file.
  void sort_rows() {
    const auto key = [](const KuaiRandImpression& row) {
      return std::tuple(row.user_id, row.time_us, row.video_id);
    };
    std::stable_sort(rows_.begin(), rows_.end(),
                     [&](const auto& a, const auto& b) { return key(a) < key(b); });
    const auto last = std::unique(rows_.begin(), rows_.end(),
                                  [&](const auto& a, const auto& b) { return key(a) == key(b); });
    counts_->duplicates = rows_.end() - last;
    rows_.erase(last, rows_.end());
    for (const KuaiRandImpression& row : rows_) {
      if (row.author_id != kNoAuthor) author_of_.emplace(row.video_id, row.author_id);
    }
  }

  void find_requests() {
    const auto num_rows = static_cast<int64_t>(rows_.size());
    for (int64_t begin = 0, end = 0; begin < num_rows; begin = end) {
      const KuaiRandImpression& first = rows_[begin];
      while (end < num_rows && rows_[end].user_id == first.user_id &&
             rows_[end].time_us == first.time_us) {
        ++end;
      }
      Request request{begin, begin, end, first.row};
      if (begin > 0 && rows_[begin - 1].user_id == first.user_id) {
        request.user_begin = requests_.back().user_begin;
        if (first.time_us - rows_[begin - 1].time_us < kSessionGapUs) {
          request.session_id = requests_.back().session_id;
        }
      } else {
        ++counts_->users;
        counts_->users_without_history += history_.row_of_user.contains(first.user_id) ? 0 : 1;
      }
      requests_.push_back(request);
    }
    std::stable_sort(requests_.begin(), requests_.end(), [&](const Request& a, const Request& b) {
      return rows_[a.begin].time_us < rows_[b.begin].time_us;
    });
  }

  std::vector<int64_t> history_of(const Request& request) const {
    std::vector<int64_t> videos;
    const auto own = std::min(kHistoryLength, request.begin - request.user_begin);
    const KuaiRandImpression& first = rows_[request.begin];
    const auto found = history_.row_of_user.find(first.user_id);
    if (found != history_.row_of_user.end() &&
        history_.last_time_us[found->second] < first.time_us) {
      const auto older = history_.videos.row(found->second);
      const auto kept = std::min<int64_t>(kHistoryLength - own, std::ssize(older));
      videos.assign(older.end() - kept, older.end());
    }
    for (int64_t row = request.begin - own; row < request.begin; ++row) {
      videos.push_back(rows_[row].video_id);
    }
    return videos;
  }

  FeatureRecords records_of(std::span<const Request> chunk) {
    FeatureRecords records = empty_feature_records(schema_);
    JaggedTensor<int64_t> videos, video_authors, authors, tags;
    for (const Request& request : chunk) {
      const KuaiRandImpression& first = rows_[request.begin];
      records.session_id.push_back(request.session_id);
      records.user_id.push_back(first.user_id);
      records.request_id.push_back(first.row);
      records.time_us.push_back(first.time_us);
      std::vector<int64_t> history = history_of(request);
      videos.push_row(history);
      for (int64_t& id : history) {
        const auto author = author_of_.find(id);
        id = author == author_of_.end() ? kNoAuthor : author->second;
      }
      video_authors.push_row(history);
      for (int64_t row = request.begin; row < request.end; ++row) {
        const KuaiRandImpression& shown = rows_[row];
        records.item_id.push_back(shown.video_id);
        records.item_dense.values.push_back(shown.duration);
        const bool known = shown.author_id != kNoAuthor;
        authors.push_row(std::span(&shown.author_id, known ? 1 : 0));
        tags.push_row(tags_.row(shown.tags));
      }
      records.candidate_offsets.push_back(static_cast<int32_t>(records.item_id.size()));
    }
    records.user_features = keyed(jagged_features(schema_, FeatureScope::kUser),
                                  records.num_requests(), {videos, video_authors});
    records.item_features = keyed(jagged_features(schema_, FeatureScope::kItem),
                                  records.num_candidates(), {authors, tags});
    counts_->requests += records.num_requests();
    counts_->candidates += records.num_candidates();
    return records;
  }

  EventRecords events_of(std::span<const Request> chunk) {
    constexpr float kNoValue = std::numeric_limits<float>::quiet_NaN();
    EventRecords events;
    for (const Request& request : chunk) {
      for (int64_t row = request.begin; row < request.end; ++row) {
        const KuaiRandImpression& shown = rows_[row];
        const auto add = [&](bool happened, const char* action, float value) {
          if (!happened) return;
          const double seconds = std::isnan(shown.watch_seconds) ? 0 : shown.watch_seconds;
          events.session_id.push_back(request.session_id);
          events.user_id.push_back(shown.user_id);
          events.request_id.push_back(rows_[request.begin].row);
          events.item_id.push_back(shown.video_id);
          events.time_us.push_back(shown.time_us + std::llround(seconds * 1e6));
          events.action.push_back(action);
          events.value.push_back(value);
        };
        add(shown.click, "click", kNoValue);
        add(shown.long_view, "long_view", kNoValue);
        add(shown.like, "like", kNoValue);
        add(shown.watch_seconds > 0, "watch", shown.watch_seconds);
        counts_->clicks += shown.click ? 1 : 0;
      }
    }
    counts_->events += events.num_events();
    return events;
  }

  const Schema schema_ = kuairand_schema();
  std::vector<KuaiRandImpression> rows_;
  JaggedTensor<int64_t> tags_;
  KuaiRandHistory history_;
  std::vector<Request> requests_;  // by time
  std::unordered_map<int64_t, int64_t> author_of_;
  KuaiRandCounts* counts_;
};

}  // namespace

Schema kuairand_schema() {
  using enum FeatureKind;
  using enum FeatureScope;
  return {{{"history_video_id", kIdList, kUser, "history"},
           {"history_author", kIdList, kUser, "history"},
           {"author", kId, kItem, ""},
           {"tag", kIdList, kItem, ""},
           {"duration", kDense, kItem, ""}},
          {{"click", "click", false},
           {"long_view", "long_view", false},
           {"like", "like", false},
           {"watch_time", "watch", true}}};
}

Result<KuaiRandCounts> import_kuairand(const std::string& directory, const std::string& logs,
                                       const LogOptions& options, const ImportProgress& progress) {
  ONEFOLD_ASSIGN_OR_RETURN(auto staging, LogStaging::create(logs, kuairand_schema(), options));
  KuaiRandCounts counts;
  ONEFOLD_ASSIGN_OR_RETURN(
      auto impressions,
      read_kuairand_impressions(directory + "/impressions.csv.zst", &counts.skipped));
  ONEFOLD_ASSIGN_OR_RETURN(
      auto history, read_kuairand_history(directory + "/user_history.csv.zst", &counts.skipped));
  KuaiRandImport import(std::move(impressions), std::move(history), &counts);
  ONEFOLD_RETURN_IF_ERROR(import.write_to(staging.writer(), progress));
  ONEFOLD_RETURN_IF_ERROR(staging.commit());
  return counts;
}

}  // namespace onefold
