/* SPDX-License-Identifier: BSD-2-Clause */
/* The other ends of back ends: what a value of --set names in braces ("server.path={nbd}") is there
 * while a test runs, served by processes beside it that end with it. */
#ifndef TENON_CHECK_PEER_H
#define TENON_CHECK_PEER_H
#include "check.h"
#include "util/buf.h"

struct peers;

/* Starts those that the command line names, for a test that is about to begin in this process:
 * their descriptors are there before the test counts any. Never NULL; of the process. */
struct peers *peers_start(const struct check *c);
/* Appends value to out, with what each {NAME} of a peer stands for. 0; -errno with the reason in
 * out: this machine does not let us have it. */
int peers_expand(const struct peers *p, const char *value, struct buf *out);

/* One connection of an NBD server, until the client goes; disk: size bytes, shared by all of them.
 * peer_nbd.c */
void nbd_serve(int fd, uint8_t *disk, uint64_t size);

#endif
