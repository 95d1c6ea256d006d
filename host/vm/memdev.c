/* SPDX-License-Identifier: BSD-2-Clause */
/* -object memory-backend-ram, -memfd, -file: host memory for guests' RAM and for devices' memdev=.
 */
#include "backend/fdset.h"
#include "cli/values.h"
#include "core/progress.h"
#include "memory.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <tenon/plugin.h>
#include <unistd.h>

#define HUGETLBFS_MAGIC 0x958458f6
#define PREALLOC_PART   ((uint64_t)64 << 20)
enum { KIND_RAM = 1, KIND_MEMFD, KIND_FILE };

struct memdev {
    struct tn_dev *dev;
    uint64_t size, align, offset;
    const char *path;
    uint64_t hugetlbsize;
    uint8_t share, prealloc, hugetlb, seal, merge, dump, reserve, discard, readonly, pmem;
    uint32_t prealloc_threads, policy;
    struct tn_list host_nodes;
    struct tn_mem *mem;
};

static const char *const policies[] = {"default", "preferred", "bind", "interleave", NULL};
static const struct tn_prop node_prop[] = {
    {.name = NULL, .type = TN_P_U16, .offset = 0, .size = 2},
};

#define COMMON_PROPS(shared)                                                                     \
    TN_PROP(struct memdev, size, "size", SIZE, 0, NULL),                                         \
        TN_PROP(struct memdev, share, "share", BOOL, shared, NULL),                              \
        TN_PROP(struct memdev, prealloc, "prealloc", BOOL, 0, NULL),                             \
        TN_PROP_RANGE(struct memdev, prealloc_threads, "prealloc-threads", U32, 1, 1, 16, NULL), \
        TN_PROP(struct memdev, merge, "merge", BOOL, 1, NULL),                                   \
        TN_PROP(struct memdev, dump, "dump", BOOL, 1, NULL),                                     \
        TN_PROP(struct memdev, reserve, "reserve", BOOL, 1, NULL),                               \
        TN_PROP_ENUM(struct memdev, policy, "policy", policies, 0, NULL),                        \
    {                                                                                            \
        .name = "host-nodes", .type = TN_P_LIST, .flags = TN_PF_NODEFAULT,                       \
        .offset = offsetof(struct memdev, host_nodes), .size = sizeof(struct tn_list),           \
        .sub = node_prop, .nsub = 1, .sub_stride = sizeof node_prop[0]                           \
    }

static const struct tn_prop ram_props[] = {COMMON_PROPS(0)};
static const struct tn_prop memfd_props[] = {
    COMMON_PROPS(1),
    TN_PROP(struct memdev, hugetlb, "hugetlb", BOOL, 0, NULL),
    TN_PROP(struct memdev, hugetlbsize, "hugetlbsize", SIZE, 0, NULL),
    TN_PROP(struct memdev, seal, "seal", BOOL, 1, NULL),
};
static const struct tn_prop file_props[] = {
    COMMON_PROPS(0),
    TN_PROP_STR(struct memdev, path, "mem-path", NULL, NULL),
    TN_PROP(struct memdev, align, "align", SIZE, 0, NULL),
    TN_PROP(struct memdev, offset, "offset", SIZE, 0, NULL),
    TN_PROP(struct memdev, discard, "discard-data", BOOL, 0, NULL),
    TN_PROP(struct memdev, readonly, "readonly", BOOL, 0, NULL),
    TN_PROP(struct memdev, pmem, "pmem", BOOL, 0, NULL),
};

/* ---- where the memory comes from ---- */

struct source {
    int fd;
    uint64_t page; /* bytes of a backing page */
};

static int open_memfd(struct memdev *m, struct source *s, struct tn_err *e)
{
    uint32_t flags = MFD_CLOEXEC | (m->seal ? MFD_ALLOW_SEALING : 0u);
    if (m->hugetlbsize && !m->hugetlb)
        return err_set(e, EINVAL, "'hugetlbsize' was specified without 'hugetlb'");
    if (m->hugetlbsize & (m->hugetlbsize - 1))
        return err_set(e, EINVAL, "'hugetlbsize' %" PRIu64 " is not a power of two",
                       m->hugetlbsize);
    if (m->hugetlb) {
        s->page = m->hugetlbsize ? m->hugetlbsize : (uint64_t)2 << 20;
        flags |= MFD_HUGETLB | (uint32_t)__builtin_ctzll(s->page) << MFD_HUGE_SHIFT;
    }
    s->fd = memfd_create("memory-backend-memfd", flags);
    if (s->fd < 0 || ftruncate(s->fd, (off_t)m->size) < 0)
        return err_set(e, errno, "memory of 0x%" PRIx64 " bytes: %s", m->size, strerror(errno));
    if (m->seal)
        fcntl(s->fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    return 0;
}

static uint64_t page_of(int fd)
{
    struct statfs f;
    if (fstatfs(fd, &f) == 0 && f.f_type == HUGETLBFS_MAGIC)
        return (uint64_t)f.f_bsize;
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* A directory (hugetlbfs, tmpfs) takes a nameless file; a file is made if there is none, and grown
 * but never cut. The descriptor, or -errno. */
static int open_backing(const struct memdev *m)
{
    struct stat st;
    int rw = m->readonly ? O_RDONLY : O_RDWR;
    if (stat(m->path, &st) < 0 || !S_ISDIR(st.st_mode))
        return path_open(device_of(m->dev)->vm, m->path, rw | (m->readonly ? 0 : O_CREAT), 0644);
    int fd = open(m->path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EOPNOTSUPP) { /* hugetlbfs may have no O_TMPFILE */
        AUTO_FREE char *name = xasprintf("%s/tenon.XXXXXX", m->path);
        fd = mkostemp(name, O_CLOEXEC);
        if (fd >= 0)
            unlink(name);
    }
    return fd < 0 ? -errno : fd;
}

static int open_path(struct memdev *m, struct source *s, struct tn_err *e)
{
    struct stat st;
    if (m->offset > (uint64_t)INT64_MAX - m->size)
        return err_set(e, EINVAL, "'offset' 0x%" PRIx64 " is further than a file can reach",
                       m->offset);
    int fd = open_backing(m);
    s->fd = fd < 0 ? -1 : fd;
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_set(e, fd < 0 ? -fd : errno, "can't open backing store %s for guest RAM: %s",
                       m->path, strerror(fd < 0 ? -fd : errno));
    s->page = page_of(s->fd);
    if (S_ISREG(st.st_mode) && (uint64_t)st.st_size && (uint64_t)st.st_size < m->offset + m->size)
        return err_set(e, EINVAL,
                       "backing store %s has size 0x%" PRIx64 ", less than the 0x%" PRIx64
                       " that 'size' asks for",
                       m->path, (uint64_t)st.st_size, m->offset + m->size);
    if (S_ISREG(st.st_mode) && !st.st_size && ftruncate(s->fd, (off_t)(m->offset + m->size)) < 0)
        return err_set(e, errno, "backing store %s cannot have 0x%" PRIx64 " bytes: %s", m->path,
                       m->size, strerror(errno));
    return 0;
}

static int check_sizes(struct memdev *m, const struct source *s, struct tn_err *e)
{
    uint64_t unit = m->align > s->page ? m->align : s->page;
    if (m->align & (m->align - 1))
        return err_set(e, EINVAL, "'align' 0x%" PRIx64 " is not a power of two", m->align);
    if (m->size % s->page)
        return err_set(e, EINVAL,
                       "memory size 0x%" PRIx64 " must be a multiple of the page size 0x%" PRIx64,
                       m->size, s->page);
    return m->offset % unit
               ? err_set(e, EINVAL, "'offset' 0x%" PRIx64 " is not aligned to 0x%" PRIx64,
                         m->offset, unit)
               : 0;
}

/* ---- mapping ---- */

static uint8_t *map_aligned(struct memdev *m, const struct source *s, int prot, int flags)
{
    uint64_t unit = m->align > s->page ? m->align : s->page, big = (uint64_t)2 << 20;
    if (m->size >= big && unit < big)
        unit = big; /* so that transparent huge pages can be used */
    uint8_t *room =
        mmap(NULL, m->size + unit, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return MAP_FAILED;
    uint8_t *at = (uint8_t *)(((uintptr_t)room + unit - 1) & ~(uintptr_t)(unit - 1));
    uint8_t *va =
        mmap(at, m->size, prot, flags | MAP_FIXED, s->fd, s->fd < 0 ? 0 : (off_t)m->offset);
    int err = errno;
    if (va == MAP_FAILED) {
        munmap(room, m->size + unit);
        errno = err;
        return MAP_FAILED;
    }
    if (at > room)
        munmap(room, (size_t)(at - room));
    munmap(at + m->size, (size_t)(room + unit - at));
    return va;
}

static int bind_nodes(struct memdev *m, uint8_t *va, struct tn_err *e)
{
    static const int modes[] = {MPOL_DEFAULT, MPOL_PREFERRED, MPOL_BIND, MPOL_INTERLEAVE};
    unsigned long mask[4] = {0};
    if (!m->policy && m->host_nodes.n)
        return err_set(e, EINVAL,
                       "host-nodes must be empty for policy default, or you should explicitly "
                       "specify a policy");
    if (m->policy && !m->host_nodes.n)
        return err_set(e, EINVAL, "host-nodes must be set for policy %s", policies[m->policy]);
    for (uint32_t i = 0; i < m->host_nodes.n; i++) {
        uint16_t node =
            *(uint16_t *)(void *)((char *)m->host_nodes.items + (uint64_t)i * m->host_nodes.stride);
        if (node >= 8 * sizeof mask)
            return err_set(e, EINVAL, "Invalid host-nodes value: %u", node);
        mask[node / (8 * sizeof mask[0])] |= 1ul << node % (8 * sizeof mask[0]);
    }
    if (m->policy && syscall(SYS_mbind, va, m->size, modes[m->policy], mask, 8 * sizeof mask + 1,
                             MPOL_MF_STRICT | MPOL_MF_MOVE) < 0)
        return err_set(e, errno, "cannot bind memory to host NUMA nodes: %s", strerror(errno));
    return 0;
}

static int populate_part(const struct memdev *m, uint8_t *va, uint64_t len, uint64_t page)
{
    if (madvise(va, len, m->readonly ? MADV_POPULATE_READ : MADV_POPULATE_WRITE) == 0)
        return 0;
    if (errno != EINVAL)
        return -errno;
    for (uint64_t at = 0; at < len; at += page) { /* before Linux 5.14 */
        uint8_t was = *(volatile uint8_t *)(va + at);
        if (!m->readonly)
            *(volatile uint8_t *)(va + at) = was;
    }
    return 0;
}

/* In parts, whole pages each, so that a terminal can be told how far it is. */
static int populate(struct memdev *m, uint8_t *va, uint64_t page, struct tn_err *e)
{
    uint64_t part = page > PREALLOC_PART ? page : PREALLOC_PART;
    struct progress p;
    int err = 0;
    if (!m->prealloc)
        return 0;
    progress_begin(&p, "preallocating memory", m->size);
    for (uint64_t at = 0; at < m->size && err == 0; at += part) {
        uint64_t left = m->size - at, len = left < part ? left : part;
        err = populate_part(m, va + at, len, page);
        progress_at(&p, at + len);
    }
    progress_end(&p);
    return err == 0 ? 0
                    : err_set(e, ENOMEM, "preallocating 0x%" PRIx64 " bytes: %s", m->size,
                              strerror(-err));
}

static int map_memory(struct memdev *m, struct source *s, struct tn_err *e)
{
    int flags = (m->share ? MAP_SHARED : MAP_PRIVATE) | (s->fd < 0 ? MAP_ANONYMOUS : 0) |
                (m->reserve ? 0 : MAP_NORESERVE);
    uint8_t *va = map_aligned(m, s, m->readonly ? PROT_READ : PROT_READ | PROT_WRITE, flags);
    if (va == MAP_FAILED)
        return err_set(e, ENOMEM, "cannot set up guest memory of 0x%" PRIx64 " bytes: %s", m->size,
                       strerror(errno));
    if (m->merge)
        madvise(va, m->size, MADV_MERGEABLE);
    if (!m->dump)
        madvise(va, m->size, MADV_DONTDUMP);
    if (s->page == (uint64_t)sysconf(_SC_PAGESIZE))
        madvise(va, m->size, MADV_HUGEPAGE);
    if (bind_nodes(m, va, e) < 0 || populate(m, va, s->page, e) < 0) {
        munmap(va, m->size);
        return -EINVAL;
    }
    struct device *d = device_of(m->dev);
    uint32_t f = (m->share && s->fd >= 0 ? TN_MEMF_SHARED : 0u) |
                 (m->readonly ? TN_MEMF_READONLY : 0u) | (m->pmem ? TN_MEMF_PMEM : 0u);
    m->mem = mem_new(d->vm, d->id ? d->id : d->entry->name, va, m->size, s->fd, m->offset, f,
                     (uint32_t)__builtin_ctzll(s->page));
    s->fd = -1;
    d->handle = m->mem;
    d->handle_type = TN_P_MEMDEV;
    return 0;
}

/* ---- class ---- */

static int init(void *p, struct tn_dev *d)
{
    ((struct memdev *)p)->dev = d;
    return 0;
}

static int realize(void *p, struct tn_err *e)
{
    struct memdev *m = p;
    int kind = *(const int *)m->dev->cls->data;
    struct source s = {-1, (uint64_t)sysconf(_SC_PAGESIZE)};
    if (!m->size)
        return err_set(e, EINVAL, "can't create backend with size 0");
    if (m->size > (uint64_t)1 << 47)
        return err_set(e, EINVAL, "size 0x%" PRIx64 " is more than a process can map", m->size);
    if (kind == KIND_FILE && !m->path)
        return err_set(e, EINVAL, "mem-path property not set");
    int err = kind == KIND_MEMFD  ? open_memfd(m, &s, e)
              : kind == KIND_FILE ? open_path(m, &s, e)
                                  : 0;
    if (err == 0 && kind == KIND_RAM && m->share)
        err = (s.fd = memfd_create("memory-backend-ram", MFD_CLOEXEC)) < 0 ||
                      ftruncate(s.fd, (off_t)m->size) < 0
                  ? err_set(e, errno, "memory of 0x%" PRIx64 " bytes: %s", m->size, strerror(errno))
                  : 0;
    if (err == 0)
        err = check_sizes(m, &s, e);
    if (err == 0)
        err = map_memory(m, &s, e);
    close_fd(&s.fd);
    return err;
}

static void unrealize(void *p)
{
    struct memdev *m = p;
    if (m->discard && m->mem)
        madvise(m->mem->va, m->mem->len, MADV_REMOVE);
    mem_free(m->mem);
    m->mem = NULL;
}

static const int kinds[] = {0, KIND_RAM, KIND_MEMFD, KIND_FILE};
#define MEMDEV(var, nm, kind_, props_)                                              \
    static const struct tn_class var = {.struct_size = sizeof var,                  \
                                        .flags = TN_C_HOTPLUG,                      \
                                        .kind = TN_K_OBJECT,                        \
                                        .name = nm,                                 \
                                        .data = &kinds[kind_],                      \
                                        .instance_size = sizeof(struct memdev),     \
                                        .props = props_,                            \
                                        .nprops = sizeof props_ / sizeof props_[0], \
                                        .prop_stride = sizeof props_[0],            \
                                        .init = init,                               \
                                        .realize = realize,                         \
                                        .unrealize = unrealize}
MEMDEV(class_ram, "memory-backend-ram", KIND_RAM, ram_props);
MEMDEV(class_memfd, "memory-backend-memfd", KIND_MEMFD, memfd_props);
MEMDEV(class_file, "memory-backend-file", KIND_FILE, file_props);

static const struct tn_class *const classes[] = {&class_ram, &class_memfd, &class_file, NULL};
const struct tn_plugin memdev_plugin = {.struct_size = sizeof memdev_plugin,
                                        .abi_major = TN_ABI_MAJOR,
                                        .abi_minor = TN_ABI_MINOR,
                                        .id = "memory-backend",
                                        .version = TENON_VERSION,
                                        .license = "BSD-2-Clause",
                                        .summary = "Host memory for guests",
                                        .classes = classes};

struct tn_mem *memory_default_ram(struct vm *vm, uint64_t size, struct tn_err *e)
{
    uint64_t align = (uint64_t)2 << 20;
    struct memdev m = {.size = size, .align = size >= align ? align : 0};
    struct source s = {-1, (uint64_t)sysconf(_SC_PAGESIZE)};
    uint8_t *va =
        map_aligned(&m, &s, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    if (va == MAP_FAILED) {
        err_set(e, ENOMEM, "cannot set up guest memory 'ram' of 0x%" PRIx64 " bytes: %s", size,
                strerror(errno));
        return NULL;
    }
    madvise(va, size, MADV_HUGEPAGE);
    madvise(va, size, MADV_DONTFORK);
    return mem_new(vm, "ram", va, size, -1, 0, 0, 12);
}
