// SPDX-License-Identifier: Apache-2.0
// Reading events out of event logs, Parquet and CSV files.
#pragma once

#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/timeline/event_intake.h"
#include "onefold/timeline/event_mapping.h"
#include "onefold/timeline/item_table.h"

namespace onefold {

// What a command line names: log directories, files, directories of files.
struct EventInputs {
  std::vector<std::string> logs;   // directories with _log.json
  std::vector<std::string> files;  // Parquet and CSV, directories replaced by their files
};

// kNotFound for a path that does not exist and for a directory without any file of ours.
Result<EventInputs> find_inputs(const std::vector<std::string>& paths);

// Offers every row of one Parquet or CSV file to `intake`; `items` may be null.
// kSchema for a missing column or one of a type that cannot be read.
Status read_record_file(const std::string& path, const EventMapping& mapping,
                        const ItemTable* items, EventIntake& intake);

// The same for the event log in `directory`.
Status read_event_log(const std::string& directory, const EventMapping& mapping,
                      const ItemTable* items, EventIntake& intake);

// All of `inputs`. kInvalidArgument when the mapping says nothing about the columns of files.
Status read_events(const EventInputs& inputs, const EventMapping& mapping,
                   Vocabularies& vocabularies, EventIntake& intake);

}  // namespace onefold
