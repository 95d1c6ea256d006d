/* SPDX-License-Identifier: BSD-2-Clause */
#include "dump.h"

#include "core/fwcfg_host.h"
#include "cpu.h"
#include "dump_elf.h"
#include "guest_map.h"
#include "machine.h"
#include "memory.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include "vcpu.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { STEP = 8 << 20, MSR_KERNEL_GS_BASE = 0xc0000102 };
/* The file of the device vmcoreinfo, and a limit for the note: Linux's has a page */
#define VMCOREINFO_FILE "etc/vmcoreinfo"
enum {
    VMCOREINFO_GUEST_FORMAT = 2,
    VMCOREINFO_SIZE = 4,
    VMCOREINFO_PADDR = 8,
    VMCOREINFO_LEN = 16,
    VMCOREINFO_FORMAT_ELF = 1,
    VMCOREINFO_MOST = 64 << 10,
    NOTE_HEAD = 12
};

/* A run of RAM, in the order of the file. */
struct part {
    uint64_t gpa, len, off;
};
struct dump {
    struct vm *vm;
    struct dump_options o;
    struct part *part;
    uint32_t nparts;
    struct dump_load *load;
    uint32_t nloads;
    uint64_t total, done;
};

/* ---- what there is ---- */

static void add_part(struct dump *d, uint64_t gpa, uint64_t len)
{
    d->part = xrealloc(d->part, (d->nparts + 1) * sizeof *d->part);
    d->part[d->nparts++] = (struct part){gpa, len, d->total};
    d->total += len;
}

static int take_piece(void *o, const struct memory_piece *p)
{
    struct dump *d = o;
    uint64_t from = p->gpa, to = p->gpa + p->len;
    if (d->o.clipped) {
        uint64_t end =
            d->o.length > UINT64_MAX - d->o.begin ? UINT64_MAX : d->o.begin + d->o.length;
        from = from < d->o.begin ? d->o.begin : from;
        to = to > end ? end : to;
    }
    if (from < to)
        add_part(d, from, to - from);
    return 0;
}

/* The part that gpa is in, or NULL and in *gap how far the next one is. */
static const struct part *part_at(const struct dump *d, uint64_t gpa, uint64_t *gap)
{
    *gap = UINT64_MAX;
    for (uint32_t i = 0; i < d->nparts; i++) {
        const struct part *p = &d->part[i];
        if (gpa >= p->gpa && gpa - p->gpa < p->len)
            return p;
        if (p->gpa > gpa && p->gpa - gpa < *gap)
            *gap = p->gpa - gpa;
    }
    return NULL;
}

static void add_load(struct dump *d, uint32_t *room, const struct dump_load *l)
{
    if (d->nloads == *room) {
        *room = *room ? 2 * *room : 64;
        d->load = xrealloc(d->load, *room * sizeof *d->load);
    }
    d->load[d->nloads++] = *l;
}

/* A mapping may begin in RAM and end elsewhere: a program header for each stretch. */
static void add_mapping(struct dump *d, uint32_t *room, const struct guest_mapping *m)
{
    for (uint64_t at = 0, n; at < m->len; at += n) {
        uint64_t gap;
        const struct part *p = part_at(d, m->phys + at, &gap);
        uint64_t in = p ? m->phys + at - p->gpa : 0, most = p ? p->len - in : gap;
        n = m->len - at < most ? m->len - at : most;
        if (p || !d->o.clipped)
            add_load(d, room,
                     &(struct dump_load){.virt = m->virt + at,
                                         .phys = m->phys + at,
                                         .len = n,
                                         .filled = p ? n : 0,
                                         .off = p ? p->off + in : 0});
    }
}

/* ---- processors ---- */

static int read_cpu(struct vm *vm, uint32_t i, struct dump_cpu *c, struct tn_err *e)
{
    int fd = vcpus_fd(vm, i);
    *c = (struct dump_cpu){.regs.rip = 0};
    if (fd < 0)
        return 0;
    AUTO_FREE struct kvm_msrs *msr = xcalloc(1, sizeof *msr + sizeof msr->entries[0]);
    msr->nmsrs = 1;
    msr->entries[0].index = MSR_KERNEL_GS_BASE;
    if (ioctl(fd, KVM_GET_REGS, &c->regs) < 0 || ioctl(fd, KVM_GET_SREGS, &c->sregs) < 0)
        return err_set(e, errno, "dump: registers of vCPU %u: %s", i, strerror(errno));
    if (ioctl(fd, KVM_GET_MSRS, msr) == 1)
        c->kernel_gs_base = msr->entries[0].data;
    return 0;
}

/* What the guest's kernel says of itself, if it has said where (QEMU's docs/specs/vmcoreinfo): a
 * note that crash(8) looks for. One that is not whole is left out. */
static void add_vmcoreinfo(struct vm *vm, struct buf *notes)
{
    uint8_t file[VMCOREINFO_LEN], head[NOTE_HEAD];
    if (fwcfg_host_read(vm, VMCOREINFO_FILE, file, sizeof file) != sizeof file ||
        get_le16(file + VMCOREINFO_GUEST_FORMAT) != VMCOREINFO_FORMAT_ELF)
        return;
    uint32_t size = get_le32(file + VMCOREINFO_SIZE);
    uint64_t gpa = get_le64(file + VMCOREINFO_PADDR);
    if (size < NOTE_HEAD || size > VMCOREINFO_MOST || memory_read(vm, gpa, head, NOTE_HEAD) < 0)
        return;
    uint64_t whole = dump_elf_note_len(get_le32(head), get_le32(head + 4));
    AUTO_FREE uint8_t *note = xcalloc(1, size);
    if (whole <= size && memory_read(vm, gpa, note, size) == 0 && memcmp(note, head, 8) == 0)
        buf_add(notes, note, whole);
}

/* First every NT_PRSTATUS, then every QEMU note: as readers expect them. */
static int add_notes(struct dump *d, struct buf *notes, struct guest_map *g, struct tn_err *e)
{
    BUF_AUTO more = {0};
    uint64_t last = UINT64_MAX;
    int err = 0;
    const struct machine *m = d->vm->machine;
    for (uint32_t i = 0; m->cpu && i < m->max_cpus && err == 0; i++) {
        struct dump_cpu c;
        if (!m->cpu[i].dev)
            continue;
        if ((err = read_cpu(d->vm, i, &c, e)) < 0)
            break;
        dump_elf_prstatus(notes, i, &c);
        dump_elf_qemu(&more, &c);
        if (d->o.paging && c.sregs.cr3 != last)
            err = guest_map_add(g, d->vm, &c.sregs, e);
        last = c.sregs.cr3;
    }
    buf_add(notes, more.data, more.len);
    add_vmcoreinfo(d->vm, notes);
    return err;
}

/* ---- the file ---- */

static int put(struct dump *d, const void *bytes, size_t len, struct tn_err *e)
{
    const uint8_t *p = bytes;
    while (len) {
        ssize_t n = write(d->o.fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(e, n < 0 ? errno : EIO, "dump: failed to write: %s",
                           strerror(n < 0 ? errno : EIO));
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

static void plan_loads(struct dump *d, const struct guest_map *g)
{
    uint32_t room = 0;
    for (uint32_t i = 0; i < g->n; i++)
        add_mapping(d, &room, &g->at[i]);
    for (uint32_t i = 0; i < d->nparts && !g->n; i++)
        add_load(d, &room,
                 &(struct dump_load){d->part[i].gpa, d->part[i].gpa, d->part[i].len, d->part[i].len,
                                     d->part[i].off});
}

static int write_head(struct dump *d, struct tn_err *e)
{
    BUF_AUTO notes = {0}, head = {0};
    struct guest_map g = {0};
    int err = add_notes(d, &notes, &g, e);
    if (err == 0) {
        plan_loads(d, &g);
        dump_elf_head(&head, d->load, d->nloads, &notes);
        err = put(d, head.data, head.len, e);
    }
    guest_map_free(&g);
    return err;
}

struct dump *dump_begin(struct vm *vm, const struct dump_options *o, struct tn_err *e)
{
    struct dump *d = XNEW(struct dump);
    d->vm = vm;
    d->o = *o;
    memory_each_piece(vm, take_piece, d);
    int err = d->nparts ? write_head(d, e) : err_set(e, EINVAL, "dump: no guest memory to dump");
    if (err == 0)
        return d;
    dump_free(d);
    return NULL;
}

int dump_step(struct dump *d, struct tn_err *e)
{
    for (uint32_t i = 0; i < d->nparts; i++) {
        const struct part *p = &d->part[i];
        uint64_t in = d->done - p->off, left = p->len - in;
        if (d->done < p->off || in >= p->len)
            continue;
        size_t n = left < STEP ? (size_t)left : STEP;
        const void *from = memory_ptr(d->vm, p->gpa + in, n);
        if (!from)
            return err_set(e, EFAULT, "dump: memory at 0x%" PRIx64 " is gone", p->gpa + in);
        int err = put(d, from, n, e);
        if (err < 0)
            return err;
        d->done += n;
        return d->done < d->total;
    }
    return 0;
}

void dump_free(struct dump *d)
{
    if (!d)
        return;
    close_fd(&d->o.fd);
    free(d->part);
    free(d->load);
    free(d);
}

uint64_t dump_total(const struct dump *d)
{
    return d->total;
}

uint64_t dump_done(const struct dump *d)
{
    return d->done;
}
