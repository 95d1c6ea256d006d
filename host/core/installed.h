/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the rest of an installation is: found from the running program, so that it may be moved. */
#ifndef TN_HOST_INSTALLED_H
#define TN_HOST_INSTALLED_H

/* The first of these folders that has a file or folder `has`, each below the one above the
 * program's (bin/tenon: its prefix; host/tenon: the build); below ends with NULL. Without one,
 * otherwise. The caller frees it. [any] */
char *installed_folder(const char *const *below, const char *has, const char *otherwise);

#endif
