/* SPDX-License-Identifier: BSD-2-Clause */
/* breaks: one_export */
__attribute__((used)) static const int nothing_to_see = 1;
