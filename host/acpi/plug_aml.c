/* SPDX-License-Identifier: BSD-2-Clause */
#include "plug_aml.h"

void plug_store_int(struct buf *a, uint64_t v, const char *to)
{
    aml_op(a, AML_STORE);
    aml_int(a, v);
    aml_path(a, to);
}

void plug_store_arg(struct buf *a, uint32_t arg, const char *to)
{
    aml_op(a, AML_STORE);
    aml_arg(a, arg);
    aml_path(a, to);
}

void plug_select(struct buf *a, const char *lock, const char *selector)
{
    aml_acquire(a, lock, WAIT_FOR_EVER);
    plug_store_arg(a, 0, selector);
}

void plug_status_method(struct buf *a, const char *name, const char *lock, const char *selector,
                        const char *flag)
{
    struct aml_block m = aml_method(a, name, 1, AML_SERIALIZED);
    plug_select(a, lock, selector);
    aml_op(a, AML_STORE);
    aml_int(a, 0);
    aml_local(a, 0);
    struct aml_block enabled = aml_if(a);
    aml_path(a, flag);
    aml_op(a, AML_STORE);
    aml_int(a, STA_ALL);
    aml_local(a, 0);
    aml_end(a, enabled);
    aml_release(a, lock);
    aml_op(a, AML_RETURN);
    aml_local(a, 0);
    aml_end(a, m);
}

void plug_eject_method(struct buf *a, const char *name, const char *lock, const char *selector,
                       const char *flag)
{
    struct aml_block m = aml_method(a, name, 1, AML_SERIALIZED);
    plug_select(a, lock, selector);
    plug_store_int(a, 1, flag);
    aml_release(a, lock);
    aml_end(a, m);
}

void plug_forward_method(struct buf *a, const char *name, uint32_t args, const char *of,
                         uint32_t slot, uint32_t pass, int gives)
{
    struct aml_block m = aml_method(a, name, args, AML_SERIALIZED);
    if (gives)
        aml_op(a, AML_RETURN);
    aml_path(a, of);
    aml_int(a, slot);
    for (uint32_t i = 0; i < pass; i++)
        aml_arg(a, i);
    aml_end(a, m);
}
