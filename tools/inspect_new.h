/* SPDX-License-Identifier: BSD-2-Clause */
/* A new plugin's project, from the templates that are installed. */
#ifndef TN_TOOLS_INSPECT_NEW_H
#define TN_TOOLS_INSPECT_NEW_H
#include "core/err.h"

#define INSPECT_KINDS "pci (the default), isa, virtio, netdev or bus"

/* Makes the folder dir/name, which must not be there, with every file of the templates kind and
 * `common`: "NAME" in names of files, and @NAME@ and @IDENT@ (with _ for -) in them, become name.
 * templates NULL: the installed ones. 0, or -errno with e. */
int inspect_new(const char *templates, const char *dir, const char *name, const char *kind,
                struct tn_err *e);

#endif
