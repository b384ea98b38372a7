// SPDX-License-Identifier: Apache-2.0
// write_delta: new events become delta parts, one per range of users and timeline that they touch.
//
// Nothing that is stored is rewritten. To tell duplicates and over-cap events exactly, the times
// and ids of the touched users' stored events are read, a row group at a time; row groups without
// a touched user are not. The cost follows the touched users.
#pragma once

#include "onefold/base/status.h"
#include "onefold/timeline/event_sorter.h"
#include "onefold/timeline/intake_report.h"
#include "onefold/timeline/timeline_manifest.h"
#include "onefold/timeline/timeline_part_writer.h"
#include "onefold/timeline/timeline_store.h"

namespace onefold {

// Writes the parts of the next generation into the store's directory and describes them in
// `manifest`, a copy of the store's; nothing is committed. Counts in `report` what did not enter.
// Where nothing is stored yet, the ranges are made: one ends when it has manifest.range_events.
// `events` is finished.
Status write_delta(const TimelineStore& store, EventSorter& events,
                   const TimelinePartOptions& options, TimelineManifest& manifest,
                   IntakeReport& report);

}  // namespace onefold
