/* SPDX-License-Identifier: BSD-2-Clause */
/* A hostile driver of a whole disk: requests in any order and shape, a drive that ends them in any
 * order and with any error, has no room now and then, is drained and grows, while queues stop,
 * start and are reset, and the machine stops and goes on. In the end all is let go, and nothing may
 * be left in flight. */
#include "virtio_blk_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *p, *end;
    uint32_t running, drains, vq_flags;
};

static uint32_t next(struct input *in)
{
    return in->p < in->end ? *in->p++ : 0;
}

static void expect(bool ok)
{
    if (!ok)
        abort();
}

/* Mostly sane, and then some bytes of it are not. */
static void send_any(struct input *in)
{
    static const uint32_t types[] = {BLK_T_IN,     BLK_T_OUT,          BLK_T_OUT,     BLK_T_FLUSH,
                                     BLK_T_GET_ID, BLK_T_WRITE_ZEROES, BLK_T_DISCARD, 99};
    uint32_t type = types[next(in) % 8];
    if (rig->next_data > RAM - 0x4000)
        rig->next_data = DATA;
    struct sent t =
        send(type, next(in),
             type == BLK_T_DISCARD || type == BLK_T_WRITE_ZEROES ? 16 * (next(in) % 4)
                                                                 : 512 * (next(in) % 9));
    for (uint32_t i = 0; i < t.len / 16 && type > BLK_T_GET_ID; i++) {
        put_le64(rig->ram + t.data + 16 * i, next(in));
        put_le64(rig->ram + t.data + 16 * i + 8, next(in) % 16);
    }
    if (next(in) % 32 == 0)
        rig->ram[DESC + 16 * t.head + next(in) % 48] = (uint8_t)next(in);
}

static void end_any(struct input *in)
{
    static const int errors[] = {0, 0, 0, 0, -EIO, -ENOSPC, -ENOTSUP, -ECANCELED};
    if (!rig->nio)
        return;
    rig->on_error = next(in) % 3;
    uint32_t i = next(in) % rig->nio;
    struct drive_io io = rig->io[i];
    if (i >= rig->seen) /* it is not let go yet */
        return;
    rig->io[i] = rig->io[0];
    rig->io[0] = io;
    end_io(errors[next(in) % 8]);
}

static void end_all_io(void)
{
    for (int i = 0; i < 10000 && rig->nio; i++) {
        end_io(0);
        settle();
    }
    expect(!rig->nio);
}

/* What the transport does: waits for the end of the queue. */
static void stop(struct input *in)
{
    if (!in->running)
        return;
    uint32_t before = rig->stopped;
    if (vops()->queue_stop(rig->s, 0) == TN_PENDING) {
        settle();
        while (rig->stopped == before) {
            expect(rig->nio || in->drains);
            if (!rig->nio && in->drains--)
                rig->drive_ops->drain_end(rig->s);
            settle();
            if (rig->nio)
                end_any(in);
            if (in->p == in->end)
                end_all_io();
            settle();
        }
    }
    expect(rig->s->v.q[0].ring.inflight == 0);
    in->running = 0;
}

static void go_on(struct input *in, uint32_t flags)
{
    if (in->running)
        return;
    if (flags & TN_VQ_RESTORE)
        the_class()->resume(rig->s);
    start_queue(flags | in->vq_flags);
    in->running = rig->s->v.q[0].state == VDEV_Q_RUNNING;
}

static void begin_anew(struct input *in)
{
    uint64_t f[2] = {(uint64_t)1 << 32 | next(in) << BLK_F_FLUSH, 0};
    stop(in);
    vops()->reset(rig->s);
    memset(rig->ram, 0, DATA);
    rig->avail = rig->used = rig->next_desc = 0;
    in->vq_flags = next(in) % 4 == 0 ? TN_VQ_IN_ORDER : 0;
    vops()->negotiated(rig->s, f, 2, in->vq_flags);
    go_on(in, 0);
}

static void step(struct input *in)
{
    uint8_t b = (uint8_t)next(in);
    switch (next(in) % 12) {
    case 0:
        kick();
        break;
    case 1:
        turn();
        break;
    case 2:
        stop(in);
        go_on(in, TN_VQ_RESTORE);
        break;
    case 3:
        if (b < 64)
            begin_anew(in);
        break;
    case 4:
        rig->room = b % 8 ? MAX_IO : b / 16 + 1;
        break;
    case 5:
        rig->drive_ops->drain_begin(rig->s);
        in->drains++;
        break;
    case 6:
        if (in->drains && in->drains--)
            rig->drive_ops->drain_end(rig->s);
        break;
    case 7:
        rig->info.size = (uint64_t)(b + 1) << 12;
        rig->drive_ops->resized(rig->s);
        break;
    case 8:
        vops()->config_write(rig->s, b % BLK_CONFIG_LEN, &b, 1);
        break;
    case 9:
    case 10:
        end_any(in);
        break;
    default:
        for (int i = b % 6; i >= 0; i--)
            send_any(in);
        kick();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {.p = data, .end = data + size};
    rig_new();
    rig->s->p.merging = next(&in) & 1;
    rig->s->p.max_discard = 8;
    expect(realize() == 0);
    rig->next_data = DATA;
    begin_anew(&in);
    while (in.p < in.end)
        step(&in);
    while (in.drains--)
        rig->drive_ops->drain_end(rig->s);
    in.drains = 0;
    settle();
    end_all_io();
    stop(&in);
    rig_down();
    return 0;
}
