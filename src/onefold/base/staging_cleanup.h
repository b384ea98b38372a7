// SPDX-License-Identifier: Apache-2.0
// For a program that a signal ends: what its StagingDirectories hold would stay on disk until the
// next run for the same destination.
#pragma once

namespace onefold {

// Removes all staging directories of this process that are not committed. Waits for a commit()
// that has begun to rename; later ones fail. From any thread, but not from a signal handler.
void remove_staging_directories();

}  // namespace onefold
