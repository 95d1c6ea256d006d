/* SPDX-License-Identifier: BSD-2-Clause */
/* A terminal: a line editor on a character device.
 *
 * What is said to it waits in the editor's buffer until the device takes it, and nothing is read
 * meanwhile: so nobody waits for a slow terminal, and what is kept for it is what one command says.
 * While another user of a mux has the terminal, everything stays here. */
#include "hmp_edit.h"
#include "hmp_impl.h"

#include "backend/chardev.h"
#include "core/vm.h"
#include "util/alloc.h"
#include "vm/machine_version.h"
#include "vm/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { READ_AHEAD = 512 };

struct hmp_session {
    struct monitor m; /* first */
    struct edit edit;
    struct buf ahead; /* typed before what comes first was done */
    uint32_t entered; /* the line waits for its turn */
    uint32_t muted;   /* the terminal is somebody else's */
    uint32_t begun;   /* the greeting was said */
    uint32_t closing; /* nobody types any more: what was typed is still done */
    uint32_t calls;   /* how often somebody came or went */
};

static const struct monitor_ops session_ops;
static const struct tn_chr_ops chr_ops;

static struct hmp_session *session_of(struct monitor *m)
{
    return m && m->ops == &session_ops ? (struct hmp_session *)m : NULL;
}

const struct hmp_history *hmp_session_history(struct monitor *m)
{
    struct hmp_session *s = session_of(m);
    return s ? &s->edit.history : NULL;
}

/* ---- output ---- */

static void flush(struct hmp_session *s)
{
    struct buf *out = &s->edit.out;
    if (chardev_peer_left(s->m.chr))
        buf_free(out);
    if (s->muted || !out->len)
        return;
    int64_t n = chardev_table.write(s->m.chr, out->data, out->len);
    if (n < 0 || (uint64_t)n > out->len)
        n = (int64_t)out->len;
    memmove(out->data, out->data + n, out->len - (size_t)n);
    out->len -= (size_t)n;
    if (!out->len)
        buf_free(out); /* one command may have said a lot */
}

static void print(struct hmp_session *s, const struct buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] == '\n')
            buf_add8(&s->edit.out, '\r');
        buf_add8(&s->edit.out, text->data[i]);
    }
}

/* ---- input ---- */

static void complete(struct hmp_session *s)
{
    struct qmp_call c = {.vm = s->m.vm, .mon = &s->m};
    KV_AUTO *none = kv_new(KV_DICT);
    AUTO_FREE char *head = xstrndup(s->edit.text, s->edit.at);
    BUF_AUTO words = {0};
    c.args = none;
    if (!s->m.vm->monitors->busy)
        hmp_complete(&c, head, &words);
    edit_complete(&s->edit, buf_cstr(&words));
}

static int idle(const struct hmp_session *s)
{
    return !s->entered && !s->edit.out.len;
}

static void hang_up(struct hmp_session *s)
{
    s->calls++;
    s->entered = s->begun = s->closing = 0;
    s->m.held = 0;
    edit_drop(&s->edit);
    buf_free(&s->edit.out);
    buf_free(&s->ahead);
}

/* All that was typed has been done, and said. */
static void finish(struct hmp_session *s)
{
    if (s->closing && !s->ahead.len && idle(s))
        hang_up(s);
}

static void take(struct hmp_session *s, uint8_t byte)
{
    switch (edit_byte(&s->edit, byte)) {
    case EDIT_ENTER:
        s->entered = 1;
        monitor_kick(s->m.vm);
        break;
    case EDIT_TAB:
        complete(s);
        break;
    case EDIT_NONE:
        break;
    }
}

/* What was typed ahead, up to the end of a line. */
static void go_on(struct hmp_session *s)
{
    size_t n = 0;
    while (n < s->ahead.len && idle(s)) {
        take(s, s->ahead.data[n++]);
        flush(s);
    }
    if (n)
        memmove(s->ahead.data, s->ahead.data + n, s->ahead.len - n);
    s->ahead.len -= n;
    if (idle(s))
        chardev_table.accept(s->m.chr);
    finish(s);
}

static uint32_t session_room(void *p)
{
    struct hmp_session *s = p;
    return idle(s) && !s->ahead.len ? READ_AHEAD : 0;
}

static void session_input(void *p, const uint8_t *data, uint32_t n)
{
    struct hmp_session *s = p;
    buf_add(&s->ahead, data, n);
    go_on(s);
}

static void session_writable(void *p)
{
    struct hmp_session *s = p;
    flush(s);
    if (s->ahead.len || idle(s))
        go_on(s);
}

/* ---- the terminal comes and goes ---- */

static void greet(struct hmp_session *s)
{
    if (s->closing)
        hang_up(s);
    edit_drop(&s->edit);
    s->begun = 1;
    s->muted = !chardev_has_focus(s->m.chr, &chr_ops, s);
    uint32_t version = machine_version_newest(s->m.vm->machine ? s->m.vm->machine->cli : NULL);
    buf_printf(&s->edit.out, "QEMU %u.%u.%u monitor - type 'help' for more information\r\n",
               version / 10000, version / 100 % 100, version % 100);
    edit_begin(&s->edit);
    flush(s);
}

static void ours(struct hmp_session *s)
{
    s->muted = 0;
    if (s->begun && idle(s))
        edit_show(&s->edit);
    flush(s);
}

static void theirs(struct hmp_session *s)
{
    if (s->begun && !s->muted && !s->edit.out.len) {
        buf_str(&s->edit.out, "\r\n");
        flush(s);
    }
    s->muted = 1;
}

static void resized(struct hmp_session *s)
{
    struct tn_chr_size size;
    if (chardev_table.set(s->m.chr, TN_CHR_GET_SIZE, &size, sizeof size) == 0)
        s->edit.cols = size.cols;
}

static void session_event(void *p, uint32_t ev)
{
    struct hmp_session *s = p;
    switch (ev) {
    case TN_CHR_OPENED:
        greet(s);
        break;
    case TN_CHR_CLOSED:
        s->closing = 1;
        flush(s);
        finish(s);
        break;
    case TN_CHR_MUX_IN:
        ours(s);
        break;
    case TN_CHR_MUX_OUT:
        theirs(s);
        break;
    case TN_CHR_RESIZED:
        resized(s);
        break;
    }
}

static const struct tn_chr_ops chr_ops = {sizeof chr_ops, .room = session_room,
                                          .input = session_input, .event = session_event,
                                          .writable = session_writable};

/* ---- the session ---- */

static void prompt(struct hmp_session *s)
{
    s->entered = 0;
    if (!run_ended(s->m.vm))
        edit_begin(&s->edit);
    flush(s);
    go_on(s);
}

static int session_work(struct monitor *m)
{
    struct hmp_session *s = session_of(m);
    struct qmp_call c = {.vm = m->vm, .mon = m};
    KV_AUTO *none = kv_new(KV_DICT);
    BUF_AUTO out = {0};
    if (!s->entered || s->m.held)
        return 0;
    AUTO_FREE char *line = xstrdup(s->edit.text);
    uint32_t call = s->calls;
    c.args = none;
    hmp_run(&c, line, &out);
    if (call != s->calls)
        return 1; /* it ran the loop meanwhile, and who asked has hung up */
    print(s, &out);
    flush(s);
    if (!m->held)
        prompt(s);
    return 1;
}

/* ---- commands that go on ---- */

int monitor_can_hold(const struct monitor *m)
{
    return m && m->ops == &session_ops;
}

uint32_t monitor_hold(struct monitor *m)
{
    if (!monitor_can_hold(m))
        return 0;
    struct monitors *ms = m->vm->monitors;
    return m->held = ++ms->tickets ? ms->tickets : ++ms->tickets;
}

void monitor_release(struct vm *vm, uint32_t ticket, const char *text)
{
    struct monitor *m;
    BUF_AUTO out = {0};
    buf_str(&out, text ? text : "");
    if (!vm->monitors)
        return;
    TAILQ_FOREACH(m, &vm->monitors->all, all)
    if (m->held == ticket)
        break;
    if (!m)
        return;
    m->held = 0;
    print(session_of(m), &out);
    prompt(session_of(m));
}

static void session_free(struct monitor *m)
{
    struct hmp_session *s = session_of(m);
    flush(s);
    chardev_detach_host(m->chr, &chr_ops, s);
    edit_free(&s->edit);
    buf_free(&s->ahead);
    free(s);
}

static const struct monitor_ops session_ops = {.work = session_work, .free = session_free};

struct monitor *hmp_session_new(struct vm *vm, struct tn_chr *c, const struct kv_node *opts,
                                struct tn_err *e)
{
    struct hmp_session *s = XNEW(struct hmp_session);
    (void)opts; /* pretty= is for JSON */
    s->m.ops = &session_ops;
    s->m.vm = vm;
    s->m.chr = c;
    edit_init(&s->edit, "(qemu) ");
    if (chardev_attach_host(c, &chr_ops, s) < 0) {
        err_set(e, EBUSY, "the chardev is in use");
        edit_free(&s->edit);
        free(s);
        return NULL;
    }
    return &s->m;
}
