// SPDX-License-Identifier: Apache-2.0
#include "onefold/row_import/json_records.h"

#include <cmath>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <nlohmann/json.hpp>

#include "onefold/base/check.h"
#include "onefold/row_import/line_reader.h"

namespace onefold {
namespace {

using Json = nlohmann::json;

constexpr int64_t kBatchRows = 4096, kBatchBytes = 8 << 20;
constexpr size_t kMaxKeys = 10'000;

void check(const arrow::Status& status) { ONEFOLD_CHECK(status.ok(), status.message()); }

// A single value as text; empty for null. REQUIRES: neither array nor object.
std::string text_of(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get_ref<const std::string&>();
  return value.dump();
}

// One column of a batch in the making.
class TextColumn {
 public:
  explicit TextColumn(bool list) : list_(list) {}

  // False, with nothing added, when the value does not fit the column.
  bool fits(const Json& value, std::string* why) const {
    if (list_ && !value.is_array() && !value.is_null()) return *why = "is no array", false;
    if (!list_ && value.is_array()) return *why = "is an array, not a single value", false;
    if (value.is_object()) return *why = "is an object, not a value", false;
    if (!list_) return true;
    for (const Json& element : value) {
      if (element.is_structured()) return *why = "holds arrays or objects", false;
    }
    return true;
  }

  // REQUIRES: fits().
  void append(const Json& value) {
    if (list_) {
      check(lists_.Append(!value.is_null()));
      if (value.is_null()) return;
      for (const Json& element : value) append_text(element);
    } else {
      append_text(value);
    }
  }

  std::shared_ptr<arrow::Array> finish() {
    std::shared_ptr<arrow::Array> array;
    check(list_ ? lists_.Finish(&array) : texts_->Finish(&array));
    return array;
  }

 private:
  void append_text(const Json& value) {
    check(value.is_null() ? texts_->AppendNull() : texts_->Append(text_of(value)));
  }

  bool list_;
  std::shared_ptr<arrow::StringBuilder> texts_ = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder lists_{arrow::default_memory_pool(), texts_};
};

class JsonLines final : public JsonRecords {
 public:
  JsonLines(const std::string& path, TextFile file, std::vector<JsonColumn> columns,
            OnBadRow on_bad_row)
      : lines_(path, std::move(file)),
        columns_(std::move(columns)),
        on_bad_row_(std::move(on_bad_row)) {
    arrow::FieldVector fields;
    for (const JsonColumn& column : columns_) {
      builders_.push_back(std::make_unique<TextColumn>(column.list));
      fields.push_back(
          arrow::field(column.name, column.list ? arrow::list(arrow::utf8()) : arrow::utf8()));
    }
    schema_ = arrow::schema(fields);
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  int64_t malformed_rows() const override { return malformed_; }
  int64_t row_number(int64_t row) const override { return numbers_[row]; }
  double fraction_read() const override { return lines_.fraction_read(); }
  const std::set<std::string>& keys() const override { return keys_; }

  Result<std::shared_ptr<arrow::RecordBatch>> next() override {
    numbers_.clear();
    int64_t bytes = 0;
    while (static_cast<int64_t>(numbers_.size()) < kBatchRows && bytes < kBatchBytes) {
      std::string_view line;
      ONEFOLD_ASSIGN_OR_RETURN(const bool more, lines_.next(&line));
      if (!more) break;
      bytes += static_cast<int64_t>(line.size());
      if (line.find_first_not_of(" \t") != line.npos) add(line);
    }
    if (numbers_.empty()) return std::shared_ptr<arrow::RecordBatch>();
    arrow::ArrayVector arrays;
    for (auto& builder : builders_) arrays.push_back(builder->finish());
    return arrow::RecordBatch::Make(schema_, static_cast<int64_t>(numbers_.size()),
                                    std::move(arrays));
  }

 private:
  void reject(std::string detail, std::string_view line) {
    ++malformed_;
    if (on_bad_row_) on_bad_row_({lines_.number(), std::move(detail), std::string(line)});
  }

  void add(std::string_view line) {
    if (static_cast<int64_t>(line.size()) > LineReader::kMaxLineBytes) {
      return reject("longer than 64 MiB; there should be one JSON object a line", "");
    }
    const Json object = Json::parse(line, nullptr, false);
    if (object.is_discarded()) return reject("not JSON", line);
    if (!object.is_object()) return reject("not a JSON object", line);
    std::vector<const Json*> values;
    std::string why;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const auto found = object.find(columns_[i].name);
      values.push_back(found == object.end() ? &null_ : &*found);
      if (!builders_[i]->fits(*values[i], &why)) {
        return reject("'" + columns_[i].name + "' " + why, line);
      }
    }
    for (size_t i = 0; i < columns_.size(); ++i) builders_[i]->append(*values[i]);
    for (const auto& [key, value] : object.items()) {
      if (keys_.size() < kMaxKeys) keys_.insert(key);
    }
    numbers_.push_back(lines_.number());
  }

  const Json null_;
  LineReader lines_;
  std::vector<JsonColumn> columns_;
  OnBadRow on_bad_row_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::unique_ptr<TextColumn>> builders_;
  std::vector<int64_t> numbers_;  // lines of the last batch
  std::set<std::string> keys_;
  int64_t malformed_ = 0;
};

}  // namespace

bool is_json_file(const std::string& path) {
  const std::string plain = without_compression(path);
  return plain.ends_with(".jsonl") || plain.ends_with(".ndjson");
}

Result<std::unique_ptr<JsonRecords>> JsonRecords::open(const std::string& path,
                                                       std::vector<JsonColumn> columns,
                                                       OnBadRow on_bad_row) {
  ONEFOLD_ASSIGN_OR_RETURN(auto file, TextFile::open(path));
  return std::unique_ptr<JsonRecords>(std::make_unique<JsonLines>(
      path, std::move(file), std::move(columns), std::move(on_bad_row)));
}

}  // namespace onefold
