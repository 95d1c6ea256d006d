/* SPDX-License-Identifier: BSD-2-Clause */
/* Linked like any shared library: with crtbegin's functions and its byte of .bss.
 *
 * breaks: no_constructors no_writable_globals no_foreign_symbol
 * link: -startfiles
 */
#include "plugin.h"
