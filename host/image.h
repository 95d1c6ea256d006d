/* SPDX-License-Identifier: BSD-2-Clause */
/* What this program was built with: `-help-build`. Main thread. */
#ifndef TN_HOST_IMAGE_H
#define TN_HOST_IMAGE_H
#include "core/vm.h"
#include "util/buf.h"
#include <tenon/plugin.h>

/* The build's own words; image.c.in. */
struct image {
    const char *profile;  /* the profile's name, or the list of plugins that was asked for */
    const char *compiler; /* with its version */
    const char *kind;     /* build type, LTO, and how libraries are linked */
    const char *parts;    /* of the host's, those that can be left out and are in: words */
    const char *left_out; /* the others; "": none */
    const struct tn_plugin *const *linked; /* NULL-terminated; NULL: plugins are files */
};
extern const struct image tenon_image;

/* Appends what is in: parts of the host, plugins, whose files are opened for it, and the system calls of each kind of
 * thread if all of these plugins are used. */
void image_describe(struct vm *vm, const struct image *m, struct buf *out);

#endif
