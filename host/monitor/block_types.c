/* SPDX-License-Identifier: BSD-2-Clause */
/* What monitors are told of disks, and what blockdev-add takes. */
#include "block_types.h"
#include "monitor.h"

static const struct qmp_member cache[] = {
    {"writeback", "bool", 0}, {"direct", "bool", 0}, {"no-flush", "bool", 0}, {0}};
static const struct qmp_member image[] = {{"filename", "str", 0},     {"format", "str", 0},
                                          {"dirty-flag", "bool", 1},  {"actual-size", "int", 1},
                                          {"virtual-size", "int", 0}, {0}};
static const struct qmp_member node[] = {{"file", "str", 0},
                                         {"node-name", "str", 1},
                                         {"ro", "bool", 0},
                                         {"drv", "str", 0},
                                         {"backing_file", "str", 1},
                                         {"backing_file_depth", "int", 0},
                                         {"active", "bool", 0},
                                         {"encrypted", "bool", 0},
                                         {"detect_zeroes", "BlockdevDetectZeroesOptions", 0},
                                         BLOCK_LIMITS,
                                         {"image", "ImageInfo", 0},
                                         BLOCK_BURSTS,
                                         {"cache", "BlockdevCacheInfo", 0},
                                         {"write_threshold", "int", 0},
                                         {0}};
static const struct qmp_member disk[] = {{"device", "str", 0},
                                         {"qdev", "str", 1},
                                         {"type", "str", 0},
                                         {"removable", "bool", 0},
                                         {"locked", "bool", 0},
                                         {"inserted", "BlockDeviceInfo", 1},
                                         {"tray_open", "bool", 1},
                                         {"io-status", "BlockDeviceIoStatus", 1},
                                         {0}};
static const char *const io_status[] = {"ok", "failed", "nospace", NULL};
static const char *const detect[] = {"off", "on", "unmap", NULL};
static const char *const discard[] = {"ignore", "unmap", NULL};

/* ---- blockdev-add ---- */

static const struct qmp_member options[] = {{"driver", "BlockdevDriver", 0},
                                            {"node-name", "str", 1},
                                            {"discard", "BlockdevDiscardOptions", 1},
                                            {"cache", "BlockdevCacheOptions", 1},
                                            {"read-only", "bool", 1},
                                            {"auto-read-only", "bool", 1},
                                            {"force-share", "bool", 1},
                                            {"detect-zeroes", "BlockdevDetectZeroesOptions", 1},
                                            {0}};
static const struct qmp_member cache_options[] = {
    {"direct", "bool", 1}, {"no-flush", "bool", 1}, {0}};
static const struct qmp_member file[] = {
    {"filename", "str", 0}, {"locking", "OnOffAuto", 1}, {"aio", "BlockdevAioOptions", 1}, {0}};
static const char *const on_off_auto[] = {"auto", "on", "off", NULL};
static const char *const aio[] = {"threads", "native", "io_uring", NULL};
static const struct qmp_member nbd[] = {{"server", "SocketAddress", 0},
                                        {"export", "str", 1},
                                        {"tls-creds", "str", 1},
                                        {"tls-hostname", "str", 1},
                                        {"reconnect-delay", "uint32", 1},
                                        {"open-timeout", "uint32", 1},
                                        {0}};
static const struct qmp_member null[] = {
    {"size", "int", 1}, {"latency-ns", "uint64", 1}, {"read-zeroes", "bool", 1}, {0}};
static const struct qmp_member raw[] = {
    {"file", "BlockdevRef", 0}, {"offset", "int", 1}, {"size", "int", 1}, {0}};
static const struct qmp_member throttle[] = {
    {"throttle-group", "str", 0}, {"file", "BlockdevRef", 0}, {0}};
static const char *const drivers[] = {"file", "host_device", "nbd", "null-co",
                                      "raw",  "throttle",    NULL};
static const struct qmp_case cases[] = {
    {"file", file}, {"host_device", file},  {"nbd", nbd}, {"null-co", null},
    {"raw", raw},   {"throttle", throttle}, {0}};
static const struct qmp_member ref[] = {
    {"definition", "BlockdevOptions", 0}, {"reference", "str", 0}, {0}};

static const struct qmp_type types[] = {
    {.name = "BlockdevCacheInfo", .members = cache},
    {.name = "ImageInfo", .members = image},
    {.name = "BlockDeviceInfo", .members = node},
    {.name = "BlockInfo", .members = disk},
    {.name = "BlockDeviceIoStatus", .meta = QMP_ENUM, .values = io_status},
    {.name = "BlockdevDetectZeroesOptions", .meta = QMP_ENUM, .values = detect},
    {.name = "BlockdevDiscardOptions", .meta = QMP_ENUM, .values = discard},
    {.name = "BlockdevOptions", .members = options, .tag = "driver", .cases = cases},
    {.name = "BlockdevDriver",
     .meta = QMP_ENUM,
     .values = drivers,
     .classes = QMP_CLASSES(TN_K_BLOCK)},
    {.name = "BlockdevCacheOptions", .members = cache_options},
    {.name = "BlockdevAioOptions", .meta = QMP_ENUM, .values = aio},
    {.name = "OnOffAuto", .meta = QMP_ENUM, .values = on_off_auto},
    {.name = "BlockdevRef", .meta = QMP_ALTERNATE, .members = ref},
    {0},
};

const struct qmp_module qmp_block_types = {.types = types};
