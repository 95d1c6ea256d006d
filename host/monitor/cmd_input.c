/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys and pointers for the guest. */
#include "hmp.h"

#include "backend/input_host.h"
#include "input_keys.h"
#include "util/alloc.h"
#include <errno.h>
#include <linux/input.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ull
enum { HOLD_MS = 100, MAX_HOLD_MS = 60000, MAX_EVENTS = 256 };

/* ---- keys ---- */

/* {"type": "qcode", "data": "ctrl"} or {"type": "number", "data": 29}: EV_KEY's code. */
static int key_code(const struct kv_node *key, struct tn_err *e)
{
    const char *data = kv_text(key, "data");
    int code = strcmp(kv_text(key, "type"), "number") == 0
                   ? input_key_of_number(strtoull(data, NULL, 10))
                   : input_key(data);
    return code < 0 ? err_set(e, EINVAL, "invalid parameter: %s", data) : code;
}

static int send_key(struct qmp_call *c, struct tn_err *e)
{
    const struct kv_node *keys = kv_get(c->args, "keys");
    int64_t hold = arg_int(c, "hold-time", HOLD_MS);
    uint16_t codes[INPUT_CHORD];
    if (keys->n_child > INPUT_CHORD)
        return err_set(e, EINVAL, "too many keys: %u at once are possible", INPUT_CHORD);
    if (hold < 0 || hold > MAX_HOLD_MS)
        return err_set(e, EINVAL, "Parameter 'hold-time' expects at most %u ms", MAX_HOLD_MS);
    for (size_t i = 0; i < keys->n_child; i++) {
        int code = key_code(keys->child[i], e);
        if (code < 0)
            return code;
        codes[i] = (uint16_t)code;
    }
    int r = inputs_type(c->vm, codes, (uint32_t)keys->n_child, (uint64_t)hold * MS);
    return r < 0 ? err_set(e, -r, "too many keys wait to be typed") : 0;
}

/* ---- events ---- */

static const char *const axes[] = {"x", "y", NULL};
static const struct {
    const char *name;
    uint16_t type, code;
    int32_t value; /* of a wheel: one step */
} buttons[] = {
    {"left", EV_KEY, BTN_LEFT, 0},          {"middle", EV_KEY, BTN_MIDDLE, 0},
    {"right", EV_KEY, BTN_RIGHT, 0},        {"wheel-up", EV_REL, REL_WHEEL, 1},
    {"wheel-down", EV_REL, REL_WHEEL, -1},  {"side", EV_KEY, BTN_SIDE, 0},
    {"extra", EV_KEY, BTN_EXTRA, 0},        {"wheel-left", EV_REL, REL_HWHEEL, -1},
    {"wheel-right", EV_REL, REL_HWHEEL, 1}, {"touch", EV_KEY, BTN_TOUCH, 0},
};

static int is_on(const struct kv_node *dict, const char *key)
{
    return strcmp(kv_text(dict, key), "on") == 0;
}

static int32_t int_of(const struct kv_node *dict, const char *key)
{
    long long v = strtoll(kv_text(dict, key), NULL, 10);
    return v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

static void button(struct tn_input_event *v, const char *name, int down)
{
    for (size_t i = 0; i < ARRAY_SIZE(buttons); i++)
        if (strcmp(buttons[i].name, name) == 0) {
            v->type = buttons[i].type;
            v->code = buttons[i].code;
            v->value = v->type == EV_KEY ? down : down ? buttons[i].value : 0;
        }
}

/* One of QAPI's InputEvents. */
static int event_of(struct tn_input_event *v, const struct kv_node *event, struct tn_err *e)
{
    const char *type = kv_text(event, "type");
    const struct kv_node *data = kv_get(event, "data");
    *v = (struct tn_input_event){.struct_size = sizeof *v};
    if (strcmp(type, "key") == 0) {
        int code = key_code(kv_get(data, "key"), e);
        v->type = EV_KEY;
        v->code = code < 0 ? 0 : (uint32_t)code;
        v->value = is_on(data, "down");
        return code < 0 ? code : 0;
    }
    if (strcmp(type, "btn") == 0) {
        button(v, kv_text(data, "button"), is_on(data, "down"));
        return 0;
    }
    if (strcmp(type, "mtt") == 0)
        return err_set(e, ENOTSUP, "no device takes multi-touch events");
    int y = strcmp(kv_text(data, "axis"), "y") == 0;
    v->type = strcmp(type, "abs") == 0 ? EV_ABS : EV_REL;
    v->code = y ? REL_Y : REL_X;
    _Static_assert((int)ABS_X == REL_X && (int)ABS_Y == REL_Y, "axes have the same numbers");
    v->value = int_of(data, "value");
    return 0;
}

/* All of them, or none; they are one frame. */
static int input_send_event(struct qmp_call *c, struct tn_err *e)
{
    const struct kv_node *events = kv_get(c->args, "events");
    size_t n = events->n_child;
    if (n > MAX_EVENTS)
        return err_set(e, EINVAL, "at most %u events at once", MAX_EVENTS);
    AUTO_FREE struct tn_input_event *v = xcalloc(n + 1, sizeof *v);
    for (size_t i = 0; i < n; i++)
        if (event_of(&v[i], events->child[i], e) < 0)
            return -EINVAL;
    v[n] = (struct tn_input_event){sizeof *v, EV_SYN, SYN_REPORT, 0};
    inputs_inject(c->vm, v, (uint32_t)n + 1, sizeof *v);
    return 0;
}

/* ---- HMP ---- */

/* "ctrl-alt-f1", "0x1d-a"; "<" and "-" stand for themselves where a name could be. */
static int add_key(struct kv_node *keys, const char *name, size_t n)
{
    AUTO_FREE char *word = n == 1 && *name == '<' ? xstrdup("less") : xstrndup(name, n);
    struct kv_node *key = ret_dict(keys, NULL);
    char *end;
    unsigned long long number = strtoull(word, &end, 16);
    if (strncmp(word, "0x", 2) == 0 && word[2] && !*end) {
        ret_str(key, "type", "number");
        ret_uint(key, "data", number);
        return input_key_of_number(number) >= 0;
    }
    ret_str(key, "type", "qcode");
    ret_str(key, "data", word);
    return input_key(word) >= 0;
}

static int sendkey(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *names = NULL;
    uint32_t hold = HOLD_MS;
    if (hmp_word(&a, "string", &names) < 0 ||
        (hmp_more(&a) && hmp_u32(&a, "hold-time", &hold) < 0) || hmp_end(&a) < 0)
        return -EINVAL;
    KV_AUTO *args = kv_new(KV_DICT);
    struct kv_node *keys = ret_list(args, "keys");
    for (const char *p = names; p; p = strchr(p, '-') ? strchr(p, '-') + 1 : NULL)
        if (!add_key(keys, p, strcspn(p, "-"))) {
            buf_printf(out, "invalid parameter: %.*s\n", (int)strcspn(p, "-"), p);
            return 0;
        }
    ret_uint(args, "hold-time", hold);
    return monitor_run(c, "send-key", args, NULL, e);
}

static void complete_key(struct qmp_call *c, const char *line, struct buf *out)
{
    const char *last = strrchr(line, '-');
    const char *head = last ? last + 1 : line;
    (void)c;
    for (const char *const *name = input_key_names; *name; name++)
        if (strncmp(*name, head, strlen(head)) == 0)
            buf_printf(out, "%.*s%s\n", (int)(head - line), line, *name);
}

static void motion(struct vm *vm, int32_t dx, int32_t dy, int32_t dz)
{
    const struct tn_input_event v[] = {
        {sizeof v[0], EV_REL, REL_X, dx},
        {sizeof v[0], EV_REL, REL_Y, dy},
        {sizeof v[0], EV_REL, REL_WHEEL, dz},
        {sizeof v[0], EV_SYN, SYN_REPORT, 0},
    };
    uint32_t n = dz ? 3 : 2;
    inputs_inject(vm, v, n, sizeof v[0]);
    inputs_inject(vm, &v[3], 1, sizeof v[0]);
}

static int mouse_move(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    uint64_t dx, dy, dz = 0;
    (void)out;
    if (hmp_number(&a, &dx) < 0 || hmp_number(&a, &dy) < 0 ||
        (hmp_more(&a) && hmp_number(&a, &dz) < 0) || hmp_end(&a) < 0)
        return -EINVAL;
    motion(c->vm, (int32_t)dx, (int32_t)dy, (int32_t)dz);
    return 0;
}

/* Bits 0, 1, 2: left, middle, right, as they are now. */
static int mouse_button(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    static const uint16_t code[] = {BTN_LEFT, BTN_MIDDLE, BTN_RIGHT};
    struct hmp_args a = {c, line, e};
    struct tn_input_event v[4];
    uint32_t state;
    (void)out;
    if (hmp_u32(&a, "button_state", &state) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    for (int i = 0; i < 3; i++)
        v[i] = (struct tn_input_event){sizeof v[i], EV_KEY, code[i], (int32_t)(state >> i & 1)};
    v[3] = (struct tn_input_event){sizeof v[3], EV_SYN, SYN_REPORT, 0};
    inputs_inject(c->vm, v, 4, sizeof v[0]);
    return 0;
}

/* ---- the table ---- */

static const struct qmp_member send_key_args[] = {
    {"keys", "[KeyValue]", 0}, {"hold-time", "int", 1}, {0}};
static const struct qmp_member key_value[] = {{"type", "KeyValueKind", 0}, {0}};
static const char *const key_kinds[] = {"number", "qcode", NULL};
static const struct qmp_member int_data[] = {{"data", "int", 0}, {0}};
static const struct qmp_member qcode_data[] = {{"data", "QKeyCode", 0}, {0}};
static const struct qmp_case key_cases[] = {{"number", int_data}, {"qcode", qcode_data}, {0}};

static const struct qmp_member event_args[] = {
    {"device", "str", 1}, {"head", "int", 1}, {"events", "[InputEvent]", 0}, {0}};
static const struct qmp_member input_event[] = {{"type", "InputEventKind", 0}, {0}};
static const char *const event_kinds[] = {"key", "btn", "rel", "abs", "mtt", NULL};
static const struct qmp_member key_data[] = {{"data", "InputKeyEvent", 0}, {0}};
static const struct qmp_member btn_data[] = {{"data", "InputBtnEvent", 0}, {0}};
static const struct qmp_member move_data[] = {{"data", "InputMoveEvent", 0}, {0}};
static const struct qmp_member mtt_data[] = {{"data", "InputMultiTouchEvent", 0}, {0}};
static const struct qmp_case event_cases[] = {{"key", key_data},  {"btn", btn_data},
                                              {"rel", move_data}, {"abs", move_data},
                                              {"mtt", mtt_data},  {0}};
static const struct qmp_member key_event[] = {{"key", "KeyValue", 0}, {"down", "bool", 0}, {0}};
static const struct qmp_member btn_event[] = {
    {"button", "InputButton", 0}, {"down", "bool", 0}, {0}};
static const struct qmp_member move_event[] = {{"axis", "InputAxis", 0}, {"value", "int", 0}, {0}};
static const struct qmp_member mtt_event[] = {
    {"type", "InputMultiTouchType", 0}, {"slot", "int", 0},  {"tracking-id", "int", 0},
    {"axis", "InputAxis", 0},           {"value", "int", 0}, {0}};
static const char *const mtt_types[] = {"begin", "update", "end", "cancel", "data", NULL};
static const char *const button_names[] = {"left",        "middle", "right", "wheel-up",
                                           "wheel-down",  "side",   "extra", "wheel-left",
                                           "wheel-right", "touch",  NULL};

static const struct qmp_type types[] = {
    {"send-key-arg", QMP_OBJECT, send_key_args, NULL, NULL, NULL},
    {"KeyValue", QMP_OBJECT, key_value, NULL, "type", key_cases},
    {"KeyValueKind", QMP_ENUM, NULL, key_kinds, NULL, NULL},
    {"QKeyCode", QMP_ENUM, NULL, input_key_names, NULL, NULL},
    {"input-send-event-arg", QMP_OBJECT, event_args, NULL, NULL, NULL},
    {"InputEvent", QMP_OBJECT, input_event, NULL, "type", event_cases},
    {"InputEventKind", QMP_ENUM, NULL, event_kinds, NULL, NULL},
    {"InputKeyEvent", QMP_OBJECT, key_event, NULL, NULL, NULL},
    {"InputBtnEvent", QMP_OBJECT, btn_event, NULL, NULL, NULL},
    {"InputMoveEvent", QMP_OBJECT, move_event, NULL, NULL, NULL},
    {"InputMultiTouchEvent", QMP_OBJECT, mtt_event, NULL, NULL, NULL},
    {"InputMultiTouchType", QMP_ENUM, NULL, mtt_types, NULL, NULL},
    {"InputButton", QMP_ENUM, NULL, button_names, NULL, NULL},
    {"InputAxis", QMP_ENUM, NULL, axes, NULL, NULL},
    {0}};

static const struct qmp_command commands[] = {
    {.name = "send-key", .args = "send-key-arg", .run = send_key},
    {.name = "input-send-event", .args = "input-send-event-arg", .run = input_send_event},
    {0}};

static const struct hmp_command hmp[] = {
    {"mouse_button", "state", "change mouse button state (1=L, 2=M, 4=R)", 0, mouse_button, NULL},
    {"mouse_move", "dx dy [dz]", "send mouse move events", 0, mouse_move, NULL},
    {"sendkey", "keys [hold_ms]",
     "send keys to the VM (e.g. 'sendkey ctrl-alt-f1', default hold time=100 ms)", 0, sendkey,
     complete_key},
    {0}};

const struct qmp_module qmp_input = {.types = types, .commands = commands, .hmp = hmp};
