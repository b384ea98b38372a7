// SPDX-License-Identifier: Apache-2.0
// CleanInterrupt: SIGINT, SIGTERM and SIGHUP end the program, as they would, after what it had
// begun to write is removed. A verb that ends by itself (InterruptFlag) takes them over while it
// runs.
#pragma once

namespace onefold::cli {

// Call once, before any thread is started. Signals that are ignored (nohup) stay ignored.
void begin_clean_interrupt();

// Call when a verb is done. After a signal it does not return: the program is about to end, and an
// error that the removal caused is nobody's business.
void wait_if_interrupted();

}  // namespace onefold::cli
