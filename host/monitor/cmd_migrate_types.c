/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of migration's commands, as QAPI has them. */
#include "cmd_migrate.h"

#include "migration/migration.h"

/* ---- what it is about ---- */

static const char *const statuses[] = {"none",
                                       "setup",
                                       "cancelling",
                                       "cancelled",
                                       "active",
                                       "postcopy-active",
                                       "postcopy-paused",
                                       "postcopy-recover-setup",
                                       "postcopy-recover",
                                       "completed",
                                       "failed",
                                       "colo",
                                       "pre-switchover",
                                       "device",
                                       "wait-unplug",
                                       NULL};
static const struct qmp_member ram[] = {
    {"transferred", "int", 0},
    {"remaining", "int", 0},
    {"total", "int", 0},
    {"duplicate", "int", 0},
    {"normal", "int", 0},
    {"normal-bytes", "int", 0},
    {"dirty-pages-rate", "int", 0},
    {"mbps", "number", 0},
    {"dirty-sync-count", "int", 0},
    {"postcopy-requests", "int", 0},
    {"page-size", "int", 0},
    {"multifd-bytes", "uint64", 0},
    {"pages-per-second", "uint64", 0},
    {"precopy-bytes", "uint64", 0},
    {"downtime-bytes", "uint64", 0},
    {"postcopy-bytes", "uint64", 0},
    {"dirty-sync-missed-zero-copy", "uint64", 0},
    {0},
};
static const struct qmp_member vfio[] = {
    {"transferred", "int", 0},
    {0},
};
static const struct qmp_member xbzrle[] = {
    {"cache-size", "size", 0},
    {"bytes", "int", 0},
    {"pages", "int", 0},
    {"cache-miss", "int", 0},
    {"cache-miss-rate", "number", 0},
    {"encoding-rate", "number", 0},
    {"overflow", "int", 0},
    {0},
};
static const struct qmp_member info[] = {
    {"status", "MigrationStatus", 1},
    {"ram", "MigrationRAMInfo", 1},
    {"vfio", "VfioStats", 1},
    {"xbzrle-cache", "XBZRLECacheStats", 1},
    {"total-time", "int", 1},
    {"expected-downtime", "int", 1},
    {"downtime", "int", 1},
    {"setup-time", "int", 1},
    {"cpu-throttle-percentage", "int", 1},
    {"error-desc", "str", 1},
    {"blocked-reasons", "[str]", 1},
    {"postcopy-blocktime", "uint32", 1},
    {"postcopy-vcpu-blocktime", "[uint32]", 1},
    {"socket-address", "[SocketAddress]", 1},
    {"dirty-limit-throttle-time-per-round", "uint64", 1},
    {"dirty-limit-ring-full-time", "uint64", 1},
    {0},
};
static const struct qmp_member capability[] = {
    {"capability", "MigrationCapability", 0},
    {"state", "bool", 0},
    {0},
};

/* ---- parameters ---- */

static const char *const compressions[] = {"none", "zlib", "zstd", NULL};
static const char *const modes[] = {"normal", "cpr-reboot", "cpr-transfer", NULL};
static const char *const detections[] = {"none", "legacy", "multifd", NULL};
static const struct qmp_member str_or_null[] = {
    {"s", "str", 0},
    {"n", "null", 0},
    {0},
};
static const struct qmp_member transform[] = {
    {"persistent", "bool", 1},
    {0},
};
static const struct qmp_member bitmap_alias[] = {
    {"name", "str", 0},
    {"alias", "str", 0},
    {"transform", "BitmapMigrationBitmapAliasTransform", 1},
    {0},
};
static const struct qmp_member node_alias[] = {
    {"node-name", "str", 0},
    {"alias", "str", 0},
    {"bitmaps", "[BitmapMigrationBitmapAlias]", 0},
    {0},
};
/* text: what three of them are, which can be null only where they are set. */
#define PARAMETERS(text)                                                                          \
    {"announce-initial", "size", 1}, {"announce-max", "size", 1}, {"announce-rounds", "size", 1}, \
        {"announce-step", "size", 1}, {"throttle-trigger-threshold", "uint8", 1},                 \
        {"cpu-throttle-initial", "uint8", 1}, {"cpu-throttle-increment", "uint8", 1},             \
        {"cpu-throttle-tailslow", "bool", 1}, {"tls-creds", text, 1}, {"tls-hostname", text, 1},  \
        {"tls-authz", text, 1}, {"max-bandwidth", "size", 1},                                     \
        {"avail-switchover-bandwidth", "size", 1}, {"downtime-limit", "uint64", 1},               \
        {"x-checkpoint-delay", "uint32", 1}, {"multifd-channels", "uint8", 1},                    \
        {"xbzrle-cache-size", "size", 1}, {"max-postcopy-bandwidth", "size", 1},                  \
        {"max-cpu-throttle", "uint8", 1}, {"multifd-compression", "MultiFDCompression", 1},       \
        {"multifd-zlib-level", "uint8", 1}, {"multifd-qatzip-level", "uint8", 1},                 \
        {"multifd-zstd-level", "uint8", 1},                                                       \
        {"block-bitmap-mapping", "[BitmapMigrationNodeAlias]", 1},                                \
        {"x-vcpu-dirty-limit-period", "uint64", 1}, {"vcpu-dirty-limit", "uint64", 1},            \
        {"mode", "MigMode", 1}, {"zero-page-detection", "ZeroPageDetection", 1},                  \
    {                                                                                             \
        "direct-io", "bool", 1                                                                    \
    }
static const struct qmp_member set_parameters[] = {PARAMETERS("StrOrNull"), {0}};
static const struct qmp_member parameters[] = {PARAMETERS("str"), {0}};

/* ---- channels ---- */

static const char *const transports[] = {"socket", "exec", "rdma", "file", NULL};
static const char *const channel_types[] = {"main", "cpr", NULL};
static const struct qmp_member exec_args[] = {
    {"args", "[str]", 0},
    {0},
};
static const struct qmp_member file_args[] = {
    {"filename", "str", 0},
    {"offset", "size", 0},
    {0},
};
/* SocketAddress by its own tag, which channel.c looks at */
static const struct qmp_member socket_args[] = {
    {"type", "SocketAddressType", 0},
    {"host", "str", 1},
    {"port", "str", 1},
    {"numeric", "bool", 1},
    {"to", "uint16", 1},
    {"ipv4", "bool", 1},
    {"ipv6", "bool", 1},
    {"keep-alive", "bool", 1},
    {"mptcp", "bool", 1},
    {"path", "str", 1},
    {"abstract", "bool", 1},
    {"tight", "bool", 1},
    {"cid", "str", 1},
    {"str", "str", 1},
    {0},
};
static const struct qmp_member address[] = {
    {"transport", "MigrationAddressType", 0},
    {0},
};
static const struct qmp_member channel[] = {
    {"channel-type", "MigrationChannelType", 0},
    {"addr", "MigrationAddress", 0},
    {0},
};
static const struct qmp_case addresses[] = {
    {"socket", socket_args}, {"exec", exec_args}, {"file", file_args}, {0}};

/* ---- arguments ---- */

static const struct qmp_member migrate_arg[] = {
    {"uri", "str", 1},
    {"channels", "[MigrationChannel]", 1},
    {"detach", "bool", 1},
    {"resume", "bool", 1},
    {0},
};
static const struct qmp_member incoming_arg[] = {
    {"uri", "str", 1},
    {"channels", "[MigrationChannel]", 1},
    {"exit-on-error", "bool", 1},
    {0},
};
static const struct qmp_member continue_arg[] = {
    {"state", "MigrationStatus", 0},
    {0},
};
static const struct qmp_member recover_arg[] = {
    {"uri", "str", 0},
    {0},
};
static const struct qmp_member capabilities_arg[] = {
    {"capabilities", "[MigrationCapabilityStatus]", 0},
    {0},
};
static const struct qmp_member status_arg[] = {
    {"status", "MigrationStatus", 0},
    {0},
};
static const struct qmp_member pass_arg[] = {
    {"pass", "int", 0},
    {0},
};
static const struct qmp_member thread_info[] = {
    {"name", "str", 0},
    {"thread-id", "int", 0},
    {0},
};

/* ---- dirty rate ---- */

static const char *const units[] = {"second", "millisecond", NULL};
static const char *const rate_statuses[] = {"unstarted", "measuring", "measured", NULL};
static const char *const rate_modes[] = {"page-sampling", "dirty-ring", "dirty-bitmap", NULL};
static const struct qmp_member rate_arg[] = {
    {"calc-time-unit", "TimeUnit", 1},
    {0},
};
static const struct qmp_member vcpu_rate[] = {
    {"id", "int", 0},
    {"dirty-rate", "int64", 0},
    {0},
};
static const struct qmp_member rate_info[] = {
    {"dirty-rate", "int64", 1},
    {"status", "DirtyRateStatus", 0},
    {"start-time", "int64", 0},
    {"calc-time", "int64", 0},
    {"calc-time-unit", "TimeUnit", 0},
    {"sample-pages", "uint64", 0},
    {"mode", "DirtyRateMeasureMode", 0},
    {"vcpu-dirty-rate", "[DirtyRateVcpu]", 1},
    {0},
};

const struct qmp_type migrate_types[] = {
    {.name = "MigrationStatus", .meta = QMP_ENUM, .values = statuses},
    {.name = "MigrationRAMInfo", .members = ram},
    {.name = "VfioStats", .members = vfio},
    {.name = "XBZRLECacheStats", .members = xbzrle},
    {.name = "MigrationInfo", .members = info},
    {.name = "MigrationCapability", .meta = QMP_ENUM, .values = mig_cap_names},
    {.name = "MigrationCapabilityStatus", .members = capability},
    {.name = "MultiFDCompression", .meta = QMP_ENUM, .values = compressions},
    {.name = "MigMode", .meta = QMP_ENUM, .values = modes},
    {.name = "ZeroPageDetection", .meta = QMP_ENUM, .values = detections},
    {.name = "StrOrNull", .meta = QMP_ALTERNATE, .members = str_or_null},
    {.name = "BitmapMigrationBitmapAliasTransform", .members = transform},
    {.name = "BitmapMigrationBitmapAlias", .members = bitmap_alias},
    {.name = "BitmapMigrationNodeAlias", .members = node_alias},
    {.name = "MigrateSetParameters", .members = set_parameters},
    {.name = "MigrationParameters", .members = parameters},
    {.name = "MigrationAddressType", .meta = QMP_ENUM, .values = transports},
    {.name = "MigrationChannelType", .meta = QMP_ENUM, .values = channel_types},
    {.name = "MigrationAddress", .members = address, .tag = "transport", .cases = addresses},
    {.name = "MigrationChannel", .members = channel},
    {.name = "migrate-arg", .members = migrate_arg},
    {.name = "migrate-incoming-arg", .members = incoming_arg},
    {.name = "migrate-continue-arg", .members = continue_arg},
    {.name = "migrate-recover-arg", .members = recover_arg},
    {.name = "migrate-set-capabilities-arg", .members = capabilities_arg},
    {.name = "MIGRATION-arg", .members = status_arg},
    {.name = "MIGRATION_PASS-arg", .members = pass_arg},
    {.name = "MigrationThreadInfo", .members = thread_info},
    {.name = "TimeUnit", .meta = QMP_ENUM, .values = units},
    {.name = "DirtyRateStatus", .meta = QMP_ENUM, .values = rate_statuses},
    {.name = "DirtyRateMeasureMode", .meta = QMP_ENUM, .values = rate_modes},
    {.name = "query-dirty-rate-arg", .members = rate_arg},
    {.name = "DirtyRateVcpu", .members = vcpu_rate},
    {.name = "DirtyRateInfo", .members = rate_info},
    {0},
};
