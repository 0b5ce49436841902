// The kinds of load. Each prints one JSON object to stdout.
#pragma once

#include "bench/wire.hpp"

namespace bench {

// --address --path --key --connections --seconds [--first N]: each connection posts single distinct records, one after the other.
void singles(const Options& options);
// --address --key --records [--first N]: one NDJSON stream as fast as it goes; its answer is read at the same time.
void stream(const Options& options);
// --address --query --key --token --rate --seconds [--first N]: NDJSON at a fixed rate; how long until a record is found by a query.
void visible(const Options& options);
// --query --token --requests TARGET...: latency of queries, the targets in turn.
void pages(const Options& options);

}  // namespace bench
