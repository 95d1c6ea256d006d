/* SPDX-License-Identifier: BSD-2-Clause */
/* A file opened in resume.
 * breaks: life/one-life
 * says: is for realize alone */
#define IN_RESUME(s) TN_GET(s->d, struct tn_os, TN_OS_1)->open(s->d, "/dev/null", TN_O_READ, NULL)
#include "device.h"
