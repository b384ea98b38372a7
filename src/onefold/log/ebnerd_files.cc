// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/ebnerd_files.h"

#include "onefold/log/parquet_columns.h"

namespace onefold {

Result<EbnerdBehaviors> read_ebnerd_behaviors(const std::string& path) {
  ONEFOLD_ASSIGN_OR_RETURN(auto file, ParquetColumns::open(path));
  EbnerdBehaviors rows;
  ONEFOLD_ASSIGN_OR_RETURN(rows.session_id, file.ids("session_id"));
  ONEFOLD_ASSIGN_OR_RETURN(rows.user_id, file.ids("user_id"));
  ONEFOLD_ASSIGN_OR_RETURN(rows.time_us, file.times_us("impression_time"));
  ONEFOLD_ASSIGN_OR_RETURN(rows.device_type, file.ids("device_type"));
  ONEFOLD_ASSIGN_OR_RETURN(rows.gender, file.ids("gender"));
  ONEFOLD_ASSIGN_OR_RETURN(rows.age, file.ids("age"));
  ONEFOLD_ASSIGN_OR_RETURN(rows.postcode, file.ids("postcode"));
  ONEFOLD_ASSIGN_OR_RETURN(rows.page_article_id, file.ids("article_id"));
  ONEFOLD_ASSIGN_OR_RETURN(rows.is_sso_user, file.floats("is_sso_user"));
  ONEFOLD_ASSIGN_OR_RETURN(rows.is_subscriber, file.floats("is_subscriber"));
  ONEFOLD_ASSIGN_OR_RETURN(rows.inview, file.id_lists("article_ids_inview"));
  ONEFOLD_ASSIGN_OR_RETURN(rows.clicked, file.id_lists("article_ids_clicked"));
  ONEFOLD_ASSIGN_OR_RETURN(rows.read_time, file.floats("read_time"));
  ONEFOLD_ASSIGN_OR_RETURN(rows.next_read_time, file.floats("next_read_time"));
  return rows;
}

Result<EbnerdHistory> read_ebnerd_history(const std::string& path) {
  ONEFOLD_ASSIGN_OR_RETURN(auto file, ParquetColumns::open(path));
  EbnerdHistory history;
  ONEFOLD_ASSIGN_OR_RETURN(const auto users, file.ids("user_id"));
  ONEFOLD_ASSIGN_OR_RETURN(history.article_id, file.id_lists("article_id_fixed"));
  ONEFOLD_ASSIGN_OR_RETURN(history.time_seconds, file.time_lists_seconds("impression_time_fixed"));
  ONEFOLD_ASSIGN_OR_RETURN(history.read_time, file.float_lists("read_time_fixed"));
  ONEFOLD_ASSIGN_OR_RETURN(history.scroll, file.float_lists("scroll_percentage_fixed"));
  for (int64_t row = 0; row < users.num_rows(); ++row) {
    const std::string where = path + ": row " + std::to_string(row);
    if (users.length(row) == 0) return data_loss(where + " has no user_id");
    const int64_t user = users.row(row).front();
    if (!history.row_of_user.emplace(user, row).second) {
      return data_loss(where + ": user " + std::to_string(user) + " is there twice");
    }
    const int32_t length = history.article_id.length(row);
    if (history.time_seconds.length(row) != length || history.read_time.length(row) != length ||
        history.scroll.length(row) != length) {
      return data_loss(where + ": the four lists of user " + std::to_string(user) +
                       " differ in length");
    }
  }
  return history;
}

}  // namespace onefold
