// SPDX-License-Identifier: Apache-2.0
// Manifest: what `_onefold.json` at the root of a table says. Written last, by rename: it is the
// commit. docs/table_format.md is the specification.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"

namespace onefold {

// 2 has windowed groups; a table without them says 1, which readers of both understand.
inline constexpr int kTableFormatVersion = 2;
inline constexpr const char* kManifestName = "_onefold.json";

enum class TableLayout {
  kPlain,   // one file per part, every sample with its own lists
  kFolded,  // samples file with references, one payload file per feature group
};
Result<TableLayout> parse_table_layout(const std::string& name);  // "plain" | "folded"
const char* to_string(TableLayout layout);

struct TableFile {
  std::string path;  // relative to the table's root
  int64_t num_rows = 0;
  int64_t bytes = 0;
  std::string xxh3;                     // of the file's bytes, base/hash.h; empty: not recorded
  std::vector<int64_t> row_group_rows;  // rows of each row group
};

struct GroupFile {
  std::string group;
  TableFile file;
  int64_t first_ref = 0;  // ref of the file's first row; refs are consecutive within a file
};

// Row group i of `samples` refers only to rows of row group i of each payload file, so that any
// row group can be read alone.
struct TablePart {
  std::string partition;  // "dt=2023-05-18/hr=07", or "" for an unpartitioned table
  TableFile samples;
  std::vector<GroupFile> groups;  // kFolded only, in the order of Manifest::groups()
  std::string source;             // the file it was folded from (dataset/); else empty
};

struct GroupStats {
  std::string group;
  int64_t samples = 0;        // rows before folding
  int64_t unique = 0;         // payload rows stored
  int64_t sample_values = 0;  // list values over all samples and keys
  int64_t unique_values = 0;  // list values stored
  int64_t windows = 0;        // windowed groups: distinct windows on the payload rows
};

// Events that made a label: a sample that was clicked twice is one positive sample and two events.
struct LabelEvents {
  std::string label;
  int64_t events = 0;
};

// How a build drew from its log (build/sampling.h). A model that is trained on such a table
// predicts a rate that is too high: p / (p + (1 - p) / w) is right, w = kept_negatives / negatives.
struct TableSampling {
  double session_rate = 1;   // asked for
  double negative_rate = 1;  // asked for
  uint64_t seed = 0;
  int64_t negatives = 0;  // candidates whose labels are all 0, of the sessions kept
  int64_t kept_negatives = 0;

  bool operator==(const TableSampling&) const = default;
};

// A version of user embeddings whose words the table holds (embedding_store/embedding_join.h). All
// of one table agree in everything but `version`.
struct JoinedEmbedding {
  std::string version;  // "v000001"
  std::string model;    // checksum of the upstream model
  std::string slices;   // version of its slice set
  std::string format;   // "int4", "int8", "fp16", "fp32"
  int32_t tokens = 0, dim = 0;

  bool operator==(const JoinedEmbedding&) const = default;
};

// A column of a data set that was folded as it is, of any type.
struct SourceColumn {
  std::string name;
  std::string type;   // as Arrow writes it: "list<element: int32>"
  std::string group;  // empty: in the samples file
};

// What a table says that was folded from somebody's Parquet files (dataset/). Its schema has the
// columns of types that training knows, and is empty when a key is missing.
struct SourceColumns {
  std::vector<std::string> groups;
  std::vector<SourceColumn> columns;      // in the files' order
  std::string session;                    // column that num_sessions counts, or empty
  std::vector<std::string> missing_keys;  // of session_id, user_id, ...: no column of name and type
  std::vector<std::string> windowed_groups;  // of `groups`
};

struct Manifest {
  int format_version = 1;  // that it was read with; written as its schema needs it
  TableLayout layout = TableLayout::kFolded;
  Schema schema;
  int64_t num_samples = 0;
  int64_t num_sessions = 0;  // distinct session ids
  std::vector<TablePart> parts;
  std::vector<GroupStats> group_stats;      // kFolded only
  std::vector<LabelEvents> label_events;    // empty where the writer does not know them
  std::vector<JoinedEmbedding> embeddings;  // empty where no user embeddings were joined
  std::optional<TableSampling> sampling;    // if the build kept a part only
  std::optional<SourceColumns> source;      // of tables folded from other people's files

  // Groups that have payload files, in order: the schema's, or those of `source`.
  std::vector<std::string> groups() const;
  // Whether the samples of a group are windows on its payload rows; the schema may not name it.
  bool is_windowed(const std::string& group) const;
};

nlohmann::json to_json(const Manifest& manifest);
// kUnsupported for a newer format version (says which version this build reads), kSchema for a
// missing or mistyped field.
Result<Manifest> manifest_from_json(const nlohmann::json& json);

// What a manifest file with these bytes says. kDataLoss when they are damaged (not JSON, or of
// another checksum than they say), and as above.
Result<Manifest> manifest_from_bytes(const std::string& bytes);

// kNotFound, with advice, when `table` has no manifest: not a table, or a build that did not
// finish.
// Else as manifest_from_bytes().
Result<Manifest> read_manifest(const std::string& table);

// Writes it with its checksum, atomically. The table is there from then on.
Status write_manifest(const std::string& table, const Manifest& manifest);

}  // namespace onefold
