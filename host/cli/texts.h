/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages that programs which drive QEMU match letter by letter, as printf formats; each is
 * written once, here. */
#ifndef TN_CLI_TEXTS_H
#define TN_CLI_TEXTS_H

#define TEXT_NO_PROPERTY "Property '%s.%s' not found"            /* class, key */
#define TEXT_NO_MODEL    "'%s' is not a valid device model name" /* -device, device_add */
#define TEXT_NO_DEVICE   "Device '%s' not found"             /* device_del ID; -device TYPE,help */
#define TEXT_NO_BUS_TYPE "No '%s' bus found for device '%s'" /* bus type, class */
#define TEXT_NO_BUS      "Bus '%s' not found"                /* bus= */
#define TEXT_BAD_CHOICE \
    "Parameter '%s' does not accept value '%s'" /* key, value; -object TYPE too */
#define TEXT_BAD_VALUE \
    "Property '%s%s%s' doesn't take value '%s'" /* class, "." or both "", key, value */
#define TEXT_BAD_BOOL    "Parameter '%s' expects 'on' or 'off'"
#define TEXT_NO_KEY      "Invalid parameter '%s'"
#define TEXT_MISSING_KEY "Parameter '%s' is missing"
#define TEXT_BAD_TYPE \
    "Invalid parameter type for '%s', expected: %s" /* JSON: string, boolean, array, object */
#define TEXT_NO_CHARDEV "chardev \"%s\" not found"

#endif
