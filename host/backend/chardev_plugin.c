/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's own back ends, as a plugin that is built in. */
#include "chardev_impl.h"
#include "chardev_io.h"

#include "util/alloc.h"

void chardev_flush_all(struct vm *vm)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    {
        struct tn_chr *c =
            d->handle_type == TN_P_CHARDEV && d->stage == DEV_REALIZED ? d->handle : NULL;
        for (int i = 0; c && i < 20 && ring_used(&c->out); i++) {
            domain_lock(d->domain);
            c->out_blocked = 0;
            back_run(c);
            domain_unlock(d->domain);
            if (ring_used(&c->out))
                loop_once(vm->main, 50000000u);
        }
    }
}

char *chardev_filename(struct tn_chr *c)
{
    if (!c->filename)
        return xstrdup(c->back ? c->back->entry->name : "");
    return xasprintf("%s%s", c->open || !TN_HAS(c->be, take) ? "" : "disconnected:", c->filename);
}

static const struct tn_class *const classes[] = {
    &chr_null_class,   &chr_vc_class,      &chr_stdio_class,  &chr_file_class,
    &chr_pipe_class,   &chr_pty_class,     &chr_serial_class, &chr_tty_class,
    &chr_socket_class, &chr_ringbuf_class, &chr_memory_class, NULL,
};
/* Sockets ask for more when there is one: sandbox_need(). */
static const char *const sandbox[] = {"terminal", NULL};

const struct tn_plugin chardev_plugin = {
    .struct_size = sizeof(struct tn_plugin),
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "chardev",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "Character devices of the host",
    .classes = classes,
    .sandbox = sandbox,
};
