/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of migration's module share; nobody else's. */
#ifndef TN_HOST_CMD_MIGRATE_H
#define TN_HOST_CMD_MIGRATE_H
#include "monitor.h"

extern const struct qmp_type migrate_types[];  /* cmd_migrate_types.c */
extern const struct hmp_command migrate_hmp[]; /* cmd_migrate_hmp.c */

/* cmd_migrate_params.c */
int migrate_set_parameters(struct qmp_call *c, struct tn_err *e);
int migrate_query_parameters(struct qmp_call *c, struct tn_err *e);

#endif
