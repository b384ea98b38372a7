// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/kuairand_files.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <span>
#include <string_view>

#include "onefold/log/csv_rows.h"

namespace onefold {
namespace {

using Fields = std::span<const std::string_view>;

constexpr int64_t kMaxMilliseconds = std::numeric_limits<int64_t>::max() / 1000;

// Impression columns, in the order of their fields.
const std::vector<std::string> kColumns = {"user_id", "video_id",    "time_ms",  "author_id",
                                           "tag",     "duration_ms", "is_click", "long_view",
                                           "is_like", "play_time_ms"};
enum Column { kUser, kVideo, kTime, kAuthor, kTag, kDuration, kClick, kLongView, kLike, kPlayed };

template <typename T>
bool parse(std::string_view text, T* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_time(std::string_view text, int64_t* time_us) {
  int64_t ms = 0;
  if (!parse(text, &ms) || ms > kMaxMilliseconds || ms < -kMaxMilliseconds) return false;
  *time_us = ms * 1000;
  return true;
}

// Empty: NaN.
bool parse_seconds(std::string_view text, float* seconds) {
  double ms = std::nan("");
  if (!text.empty() && (!parse(text, &ms) || !std::isfinite(ms) || ms < 0)) return false;
  *seconds = static_cast<float>(ms / 1000);
  return true;
}

bool parse_flag(std::string_view text, bool* flag) {
  *flag = text == "1";
  return text == "1" || text == "0";
}

// A video whose tag nobody knows says so.
constexpr std::string_view kNoTag = "unknown";

bool parse_list(std::string_view text, char separator, std::vector<int64_t>* values) {
  values->clear();
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (!parse(text.substr(0, end), &values->emplace_back())) return false;
    if (end + 1 == text.size()) return false;  // ends in a separator
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

// The first column that cannot be read; -1 if all can.
int unreadable(Fields fields, KuaiRandImpression* row, std::vector<int64_t>* tags) {
  if (!parse(fields[kUser], &row->user_id)) return kUser;
  if (!parse(fields[kVideo], &row->video_id)) return kVideo;
  if (!parse_time(fields[kTime], &row->time_us)) return kTime;
  if (!fields[kAuthor].empty() && !parse(fields[kAuthor], &row->author_id)) return kAuthor;
  const std::string_view tag = fields[kTag] == kNoTag ? std::string_view() : fields[kTag];
  if (!parse_list(tag, ',', tags)) return kTag;
  if (!parse_seconds(fields[kDuration], &row->duration)) return kDuration;
  if (!parse_flag(fields[kClick], &row->click)) return kClick;
  if (!parse_flag(fields[kLongView], &row->long_view)) return kLongView;
  if (!parse_flag(fields[kLike], &row->like)) return kLike;
  if (!parse_seconds(fields[kPlayed], &row->watch_seconds)) return kPlayed;
  return -1;
}

void count(PutAside* skipped, const std::string& reason, int64_t rows = 1) {
  if (rows > 0) (*skipped)[reason] += rows;
}

}  // namespace

Result<KuaiRandImpressions> read_kuairand_impressions(const std::string& path, PutAside* skipped) {
  KuaiRandImpressions impressions;
  std::vector<int64_t> tags;
  int64_t next_row = 0;
  const auto add = [&](Fields fields) -> Status {
    KuaiRandImpression row;
    row.row = next_row++;
    if (const int column = unreadable(fields, &row, &tags); column >= 0) {
      count(skipped, "unreadable " + kColumns[column]);
      return {};
    }
    row.tags = impressions.tags.num_rows();
    impressions.tags.push_row(tags);
    impressions.rows.push_back(row);
    return {};
  };
  ONEFOLD_ASSIGN_OR_RETURN(const int64_t malformed, read_csv_rows(path, kColumns, add));
  count(skipped, "wrong number of fields", malformed);
  return impressions;
}

Result<KuaiRandHistory> read_kuairand_history(const std::string& path, PutAside* skipped) {
  KuaiRandHistory history;
  std::vector<int64_t> videos;
  const auto add = [&](Fields fields) -> Status {
    int64_t user = 0, last_time_us = 0;
    if (!parse(fields[0], &user)) {
      count(skipped, "history: unreadable user_id");
    } else if (!parse_list(fields[1], ' ', &videos)) {
      count(skipped, "history: unreadable watch_seq");
    } else if (!parse_time(fields[2], &last_time_us)) {
      count(skipped, "history: unreadable last_time_ms");
    } else if (!history.row_of_user.emplace(user, history.videos.num_rows()).second) {
      count(skipped, "history: user is there twice");
    } else {
      history.videos.push_row(videos);
      history.last_time_us.push_back(last_time_us);
    }
    return {};
  };
  ONEFOLD_ASSIGN_OR_RETURN(const int64_t malformed,
                           read_csv_rows(path, {"user_id", "watch_seq", "last_time_ms"}, add));
  count(skipped, "history: wrong number of fields", malformed);
  return history;
}

}  // namespace onefold
