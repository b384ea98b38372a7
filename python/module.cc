// SPDX-License-Identifier: Apache-2.0
// CMake wants a source for a library; all of this one's code is in the ops' archive.
