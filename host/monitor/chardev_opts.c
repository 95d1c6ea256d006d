/* SPDX-License-Identifier: BSD-2-Clause */
#include "chardev_opts.h"

#include "backend/fdset.h"
#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Members of data that -chardev calls otherwise. */
static const struct {
    const char *type, *member, *option;
} renamed[] = {
    {"file", "out", "path"},    {"file", "in", "input-path"}, {"serial", "device", "path"},
    {"pipe", "device", "path"}, {NULL, NULL, NULL},
};

static const char *option_of(const char *type, const char *member)
{
    for (size_t i = 0; renamed[i].type; i++)
        if (strcmp(renamed[i].type, type) == 0 && strcmp(renamed[i].member, member) == 0)
            return renamed[i].option;
    return member;
}

static void copy(struct kv_node *out, const char *type, const struct kv_node *data)
{
    for (size_t i = 0; data && i < data->n_child; i++)
        if (kv_is_scalar(data->child[i]))
            kv_set(out, option_of(type, data->child[i]->key), data->child[i]->text);
}

/* What is connected to, or listened at. */
static int set_address(struct vm *vm, struct kv_node *out, const struct kv_node *addr,
                       const char **fd, struct tn_err *e)
{
    const char *type = kv_text(addr, "type"), *name = kv_text(kv_get(addr, "data"), "str");
    if (strcmp(type, "vsock") == 0)
        return err_set(e, ENOTSUP, "socket family AF_VSOCK unsupported");
    copy(out, "socket", kv_get(addr, "data"));
    kv_remove(out, "str");
    kv_remove(out, "numeric"); /* the names of numbers are their numbers */
    if (strcmp(type, "fd") != 0)
        return 0;
    int number = fd_named(vm, name);
    if (number < 0)
        return err_set(e, ENOENT, "File descriptor named '%s' has not been found", name);
    AUTO_FREE char *text = xasprintf("%d", number);
    kv_set(out, "fd", text);
    *fd = name;
    return 0;
}

/* Other defaults than -chardev's: a server, which waits for nobody. */
static int set_socket(struct vm *vm, struct kv_node *out, const struct kv_node *data,
                      const char **fd, struct tn_err *e)
{
    const char *server = kv_text(data, "server");
    int serves = !server || strcmp(server, "on") == 0;
    kv_set(out, "server", serves ? "on" : "off");
    if (serves && !kv_get(data, "wait"))
        kv_set(out, "wait", "off");
    return set_address(vm, out, kv_get(data, "addr"), fd, e);
}

struct kv_node *chardev_opts(struct vm *vm, const char *id, const struct kv_node *backend,
                             const char **fd, struct tn_err *e)
{
    const char *type = kv_text(backend, "type");
    const struct kv_node *data = kv_get(backend, "data");
    struct kv_node *out = kv_new(KV_DICT);
    kv_set(out, "backend", type);
    kv_set(out, "id", id);
    copy(out, type, data);
    if (strcmp(type, "socket") != 0 || set_socket(vm, out, data, fd, e) == 0)
        return out;
    kv_free(out);
    return NULL;
}

/* ---- types ---- */

#define COMMON                 \
    {"logfile", "str", 1},     \
    {                          \
        "logappend", "bool", 1 \
    }

static const struct qmp_member common[] = {COMMON, {0}};
static const struct qmp_member file[] = {
    COMMON, {"in", "str", 1}, {"out", "str", 0}, {"append", "bool", 1}, {0}};
static const struct qmp_member hostdev[] = {COMMON, {"device", "str", 0}, {0}};
static const struct qmp_member pty[] = {COMMON, {"path", "str", 1}, {0}};
static const struct qmp_member socket_[] = {COMMON,
                                            {"addr", "SocketAddressLegacy", 0},
                                            {"tls-creds", "str", 1},
                                            {"tls-authz", "str", 1},
                                            {"server", "bool", 1},
                                            {"wait", "bool", 1},
                                            {"nodelay", "bool", 1},
                                            {"telnet", "bool", 1},
                                            {"tn3270", "bool", 1},
                                            {"websocket", "bool", 1},
                                            {"reconnect", "int", 1},
                                            {"reconnect-ms", "int", 1},
                                            {0}};
static const struct qmp_member stdio[] = {COMMON, {"signal", "bool", 1}, {0}};
static const struct qmp_member ringbuf[] = {COMMON, {"size", "int", 1}, {0}};
static const struct qmp_member vc[] = {
    COMMON, {"width", "int", 1}, {"height", "int", 1}, {"cols", "int", 1}, {"rows", "int", 1}, {0}};

static const struct qmp_member data_common[] = {{"data", "ChardevCommon", 0}, {0}};
static const struct qmp_member data_file[] = {{"data", "ChardevFile", 0}, {0}};
static const struct qmp_member data_hostdev[] = {{"data", "ChardevHostdev", 0}, {0}};
static const struct qmp_member data_pty[] = {{"data", "ChardevPty", 0}, {0}};
static const struct qmp_member data_socket[] = {{"data", "ChardevSocket", 0}, {0}};
static const struct qmp_member data_stdio[] = {{"data", "ChardevStdio", 0}, {0}};
static const struct qmp_member data_ringbuf[] = {{"data", "ChardevRingbuf", 0}, {0}};
static const struct qmp_member data_vc[] = {{"data", "ChardevVC", 0}, {0}};

static const char *const kinds[] = {"file",  "serial", "pipe",    "socket", "pty", "null",
                                    "stdio", "vc",     "ringbuf", "memory", NULL};
static const struct qmp_member backend[] = {{"type", "ChardevBackendKind", 0}, {0}};
static const struct qmp_case backends[] = {{"file", data_file},
                                           {"serial", data_hostdev},
                                           {"pipe", data_hostdev},
                                           {"socket", data_socket},
                                           {"pty", data_pty},
                                           {"null", data_common},
                                           {"stdio", data_stdio},
                                           {"vc", data_vc},
                                           {"ringbuf", data_ringbuf},
                                           {"memory", data_ringbuf},
                                           {0}};

static const struct qmp_member inet[] = {{"host", "str", 0},
                                         {"port", "str", 0},
                                         {"numeric", "bool", 1},
                                         {"to", "uint16", 1},
                                         {"ipv4", "bool", 1},
                                         {"ipv6", "bool", 1},
                                         {0}};
static const struct qmp_member local[] = {
    {"path", "str", 0}, {"abstract", "bool", 1}, {"tight", "bool", 1}, {0}};
static const struct qmp_member vsock[] = {{"cid", "str", 0}, {"port", "str", 0}, {0}};
static const struct qmp_member string[] = {{"str", "str", 0}, {0}};
static const struct qmp_member data_inet[] = {{"data", "InetSocketAddress", 0}, {0}};
static const struct qmp_member data_unix[] = {{"data", "UnixSocketAddress", 0}, {0}};
static const struct qmp_member data_vsock[] = {{"data", "VsockSocketAddress", 0}, {0}};
static const struct qmp_member data_fd[] = {{"data", "String", 0}, {0}};
static const char *const address_types[] = {"inet", "unix", "vsock", "fd", NULL};
static const struct qmp_member address[] = {{"type", "SocketAddressType", 0}, {0}};
static const struct qmp_case addresses[] = {
    {"inet", inet}, {"unix", local}, {"vsock", vsock}, {"fd", string}, {0}};
static const struct qmp_case legacy_addresses[] = {
    {"inet", data_inet}, {"unix", data_unix}, {"vsock", data_vsock}, {"fd", data_fd}, {0}};

static const struct qmp_type types[] = {
    {.name = "ChardevBackend", .members = backend, .tag = "type", .cases = backends},
    {.name = "ChardevBackendKind",
     .meta = QMP_ENUM,
     .values = kinds,
     .classes = QMP_CLASSES(TN_K_CHARDEV)},
    {.name = "ChardevCommon", .members = common},
    {.name = "ChardevFile", .members = file},
    {.name = "ChardevHostdev", .members = hostdev},
    {.name = "ChardevPty", .members = pty},
    {.name = "ChardevSocket", .members = socket_},
    {.name = "ChardevStdio", .members = stdio},
    {.name = "ChardevRingbuf", .members = ringbuf},
    {.name = "ChardevVC", .members = vc},
    {.name = "SocketAddress", .members = address, .tag = "type", .cases = addresses},
    {.name = "SocketAddressLegacy", .members = address, .tag = "type", .cases = legacy_addresses},
    {.name = "SocketAddressType", .meta = QMP_ENUM, .values = address_types},
    {.name = "InetSocketAddress", .members = inet},
    {.name = "UnixSocketAddress", .members = local},
    {.name = "VsockSocketAddress", .members = vsock},
    {.name = "String", .members = string},
    {0},
};

const struct qmp_module qmp_chardev_types = {.types = types};
