/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU's firmware configuration device without a bus: numbered items and named files that firmware
 * reads through ports, memory registers or DMA.
 *
 * Items are added, then fwcfg_chip_publish() gives the files their keys, then the guest may look;
 * files that come or go later show at the next reset. Every function is called with the device's
 * lock held (or before the guest runs); callbacks run with it and do not call back into the chip.
 */
#ifndef FWCFG_CHIP_H
#define FWCFG_CHIP_H
#include "fwcfg_regs.h"
#include <stdint.h>

#define FWCFG_FLAG_DMA 1u /* the DMA interface is there */

/* What the chip asks of its environment. No member may be NULL where there is DMA. */
struct fwcfg_env {
    /* Copies len bytes, at most FWCFG_DMA_CHUNK, from or to guest memory at gpa; gpa + len - 1 does
     * not wrap. Return 0, or -errno if not all of it is memory. */
    int (*dma_read)(void *opaque, uint64_t gpa, void *p, uint32_t len);
    int (*dma_write)(void *opaque, uint64_t gpa, const void *p, uint32_t len);
};

#define FWCFG_DMA_CHUNK 4096u

/* How an item's contents are made and taken back. Members may be NULL. */
struct fwcfg_item_ops {
    /* Writes the contents, at most max bytes, to p when the guest selects the item. Returns their
     * length; negative: the item is empty this time. */
    int64_t (*fill)(void *opaque, void *p, uint32_t max);
    /* The guest wrote len bytes at off, all there in p. With this member the item is writable. */
    void (*written)(void *opaque, uint32_t off, uint32_t len, const void *p);
};

struct fwcfg_item {
    char name[FWCFG_NAME_MAX]; /* "" for a numbered item and for a file that was removed */
    uint16_t key;
    uint32_t size, max; /* bytes now, bytes that data holds */
    uint8_t *data;      /* NULL: in small */
    uint8_t small[8];
    const struct fwcfg_item_ops *ops; /* NULL: constant */
    void *opaque;
};

struct fwcfg_chip {
    /* state: the fields that are saved */
    uint16_t selected;
    uint32_t offset;
    uint64_t dma_address; /* high half of an address whose low half is still to come */
    /* configuration */
    struct fwcfg_item *items, *files; /* the caller's arrays */
    uint32_t n_items, max_items, n_files, max_files;
    uint32_t n_published; /* files that the guest can see, the first ones */
    uint32_t flags;
    const struct fwcfg_env *env;
    void *opaque;
};

/* Makes c a device with the signature and ID items and no file. items holds max_items (at least 2)
 * numbered items, files max_files named ones (at most 0x3fe0); both arrays, env and opaque stay the
 * caller's and outlive the use of c. Returns 0 or -EINVAL. */
int fwcfg_chip_init(struct fwcfg_chip *c, uint32_t flags, struct fwcfg_item *items,
                    uint32_t max_items, struct fwcfg_item *files, uint32_t max_files,
                    const struct fwcfg_env *env, void *opaque);

/* Adds the numbered item key: size bytes of value, little-endian, size at most 8.
 * Returns 0, -EEXIST, -ENOSPC, or -EINVAL for a key of a file or the directory. */
int fwcfg_chip_add_number(struct fwcfg_chip *c, uint32_t key, uint64_t value, uint32_t size);

/* Adds the numbered item key of size bytes, of at most max, at data, which stay the caller's and
 * are changed only as ops says (NULL: never). data may be NULL for up to 8 bytes of the item's own.
 * Returns 0, -EEXIST, -ENOSPC, or -EINVAL for a key of a file or the directory or sizes that do not
 * fit. */
int fwcfg_chip_add_item(struct fwcfg_chip *c, uint32_t key, void *data, uint32_t size, uint32_t max,
                        const struct fwcfg_item_ops *ops, void *opaque);

/* Adds a file in the same way; name is copied. The guest sees it after fwcfg_chip_publish().
 * Returns 0, -EEXIST, -ENOSPC, -ENAMETOOLONG, or -EINVAL for an empty name or sizes that do not
 * fit. */
int fwcfg_chip_add_file(struct fwcfg_chip *c, const char *name, void *data, uint32_t size,
                        uint32_t max, const struct fwcfg_item_ops *ops, void *opaque);

/* Removes a file; its data and ops are not used any more. The guest finds it empty and nameless
 * until fwcfg_chip_publish(), so that no other file's key moves under it. Returns 0 or -ENOENT. */
int fwcfg_chip_remove_file(struct fwcfg_chip *c, const char *name);

/* Sorts the files by name (bytes, ascending), gives them keys from FWCFG_KEY_FILE_FIRST and selects
 * the signature. The same files have the same keys, whatever the order in which they were added.
 * For the moments when no guest is looking: before it starts, and at each reset. */
void fwcfg_chip_publish(struct fwcfg_chip *c);

/* The file of that name, NULL if there is none. Its size (up to max) and bytes may be changed
 * between two accesses of the guest. Removing and publishing move files: look again after them. */
struct fwcfg_item *fwcfg_chip_file(struct fwcfg_chip *c, const char *name);

/* Hardware reset: nothing of a DMA address, the signature selected. */
void fwcfg_chip_reset(struct fwcfg_chip *c);

/* After the state fields were loaded: the selected item is made anew, at the same offset. */
void fwcfg_chip_loaded(struct fwcfg_chip *c);

/* Access to size bytes at off of the I/O ports or of the memory registers; values are as a
 * little-endian processor sees them. What is no register, or has another width, reads as all-ones
 * and ignores a write. */
uint64_t fwcfg_chip_port_read(struct fwcfg_chip *c, uint64_t off, uint32_t size);
void fwcfg_chip_port_write(struct fwcfg_chip *c, uint64_t off, uint32_t size, uint64_t value);
uint64_t fwcfg_chip_mmio_read(struct fwcfg_chip *c, uint64_t off, uint32_t size);
void fwcfg_chip_mmio_write(struct fwcfg_chip *c, uint64_t off, uint32_t size, uint64_t value);

/* ---- between the files of the chip ------------------------------------------------------- */

/* Selects key and rewinds; makes a dynamic item's contents. */
void fwcfg_select(struct fwcfg_chip *c, uint32_t key);

/* The next len bytes of the selected item, zeros past its end; advances. Returns how many bytes
 * were not past the end. */
uint32_t fwcfg_take(struct fwcfg_chip *c, void *p, uint32_t len);

/* Advances by len bytes, at most to the end of what an offset can say. */
void fwcfg_skip(struct fwcfg_chip *c, uint32_t len);

/* The selected item, NULL for none and for the directory. */
struct fwcfg_item *fwcfg_current(struct fwcfg_chip *c);

/* Where an item's bytes are. */
uint8_t *fwcfg_bytes(struct fwcfg_item *item);

/* Runs the DMA operation whose structure is at gpa. */
void fwcfg_dma_run(struct fwcfg_chip *c, uint64_t gpa);

#endif
