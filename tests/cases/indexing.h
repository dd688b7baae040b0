// What the two files of indexing rows share; case.h's add_indexing_cases calls both parts.
#pragma once

#include "tests/cases/rows.h"

namespace cases {

inline int64_t integer(double value) { return static_cast<int64_t>(value); }

void add_entry_cases(Table& table);  // index_select, index_add, gather, scatter_add, masks

}  // namespace cases
