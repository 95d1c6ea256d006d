/* SPDX-License-Identifier: BSD-2-Clause */
#include "netdev_fds.h"

#include "backend/fdset.h"
#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One of a list with colons between. */
static int add_number(struct vm *vm, const char *word, struct buf *out, struct kv_node *names,
                      struct tn_err *e)
{
    if (isdigit((unsigned char)*word)) {
        buf_printf(out, "%s%s", out->len ? ":" : "", word);
        return 0;
    }
    int fd = fd_named(vm, word);
    if (fd < 0)
        return err_set(e, ENOENT, "File descriptor named '%s' has not been found", word);
    buf_printf(out, "%s%d", out->len ? ":" : "", fd);
    kv_add(names, NULL, kv_scalar(KV_STRING, word));
    return 0;
}

static int replace(struct vm *vm, struct kv_node *v, struct kv_node *names, struct tn_err *e)
{
    AUTO_FREE char *text = xstrdup(v->text);
    BUF_AUTO out = {0};
    char *save = NULL;
    for (char *w = strtok_r(text, ":", &save); w; w = strtok_r(NULL, ":", &save))
        if (add_number(vm, w, &out, names, e) < 0)
            return -ENOENT;
    free(v->text);
    v->text = xstrdup(buf_cstr(&out));
    return 0;
}

static int names_fd(const struct kv_node *dict, const char *key)
{
    static const char *const keys[] = {"fd", "fds", "vhostfd", "vhostfds"};
    const char *type = kv_text(dict, "type");
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return 1;
    return strcmp(key, "str") == 0 && type && strcmp(type, "fd") == 0;
}

int netdev_fds(struct vm *vm, struct kv_node *dict, struct kv_node *names, struct tn_err *e)
{
    int r = 0;
    for (size_t i = 0; i < dict->n_child && r == 0; i++) {
        struct kv_node *v = dict->child[i];
        if (v->kind == KV_DICT)
            r = netdev_fds(vm, v, names, e);
        else if (kv_is_scalar(v) && names_fd(dict, v->key))
            r = replace(vm, v, names, e);
    }
    return r;
}

void netdev_fds_used(struct vm *vm, const struct kv_node *names)
{
    for (size_t i = 0; i < names->n_child; i++) {
        int fd = fd_take(vm, names->child[i]->text);
        if (fd >= 0)
            close(fd);
    }
}
