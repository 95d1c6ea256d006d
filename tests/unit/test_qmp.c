/* SPDX-License-Identifier: BSD-2-Clause */
/* QMP without a client: the stream's boundaries, the tables of all modules, their checks. */
#include "cli/json.h"
#include "monitor/qmp_impl.h"
#include "monitor/qmp_stream.h"
#include "tap.h"
#include "util/alloc.h"

#include <string.h>

#define NOTE(...) (printf("# "), printf(__VA_ARGS__), printf("\n"))

/* ---- the stream ---- */

/* What text is taken for: values as they are, errors in angle brackets, one after the other. */
static char *found(const char *text, size_t piece)
{
    struct qmp_stream s = {0};
    BUF_AUTO out = {0};
    size_t len = strlen(text);
    for (size_t at = 0; at < len;) {
        enum qmp_found f;
        size_t n = len - at < piece ? len - at : piece;
        at += qmp_stream_feed(&s, (const uint8_t *)text + at, n, &f);
        if (f == QMP_VALUE)
            buf_printf(&out, "%s;", buf_cstr(&s.text));
        else if (f == QMP_BAD)
            buf_printf(&out, "<%s>;", strrchr(s.error, ',') ? strrchr(s.error, ',') + 2 : s.error);
    }
    qmp_stream_reset(&s);
    return buf_take(&out);
}

static void check_stream(const char *text, const char *expected)
{
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        AUTO_FREE char *got = found(text, piece);
        CHECK_STR(got ? got : "", expected);
    }
}

TEST(a_value_ends_where_its_brackets_do)
{
    check_stream("{\"a\":1}{\"b\":[2]}[3]", "{\"a\":1};{\"b\":[2]};[3];");
    check_stream(" { \"a\" :\n1 } ", "{ \"a\" : 1 };");
    check_stream("\"}\" 'x\\'{' ", "\"}\";'x\\'{';");
}

TEST(a_scalar_ends_before_what_is_not_its)
{
    check_stream("12 -3.5e2,true{}", "12;-3.5e2;,;true;{};");
    check_stream("1", "");
}

TEST(unbalanced_brackets_are_a_value_of_their_own)
{
    check_stream("}]{}", "};];{};");
    check_stream("{\"a\":[}]{}", "{\"a\":[}];{};");
}

TEST(after_an_error_the_next_bracket_begins)
{
    check_stream("%{\"a\":1}", "<stray '%'>;{\"a\":1};");
    check_stream("{\"a\":01}{}", "<stray '01'>;};{};");
    check_stream("[\"b\nc\"]{}", "<stray '\"b\n'>;];{};");
    check_stream("{\"a\":\xff{}", "<stray '\xff'>;{};");
}

TEST(nesting_is_limited)
{
    char text[QMP_MAX_NESTING + 4];
    memset(text, '[', sizeof text);
    strcpy(text + QMP_MAX_NESTING + 1, "{}");
    check_stream(text, "<JSON nesting depth limit exceeded>;{};");
}

TEST(size_is_limited)
{
    struct qmp_stream s = {0};
    static const uint8_t piece[1 << 16] = {0};
    uint8_t text[sizeof piece];
    enum qmp_found f = QMP_MORE;
    memset(text, 'a', sizeof text);
    text[0] = '"';
    for (int i = 0; i < 1000 && f == QMP_MORE; i++) {
        CHECK(s.text.len <= QMP_MAX_TEXT);
        qmp_stream_feed(&s, text, sizeof text, &f);
        text[0] = 'a';
    }
    CHECK_EQ(f, QMP_BAD);
    CHECK_STR(s.error, "JSON token size limit exceeded");
    qmp_stream_reset(&s);
}

TEST(tokens_are_limited)
{
    struct qmp_stream s = {0};
    enum qmp_found f = QMP_MORE;
    qmp_stream_feed(&s, (const uint8_t *)"[", 1, &f);
    for (int i = 0; i < QMP_MAX_TOKENS && f == QMP_MORE; i++)
        qmp_stream_feed(&s, (const uint8_t *)",", 1, &f);
    CHECK_EQ(f, QMP_BAD);
    CHECK_STR(s.error, "JSON token count limit exceeded");
    qmp_stream_reset(&s);
}

/* ---- text ---- */

static void check_print(const char *json, int pretty, const char *expected)
{
    BUF_AUTO out = {0};
    KV_AUTO *n = json_parse(json, NULL);
    CHECK(n);
    json_print(&out, n, pretty);
    CHECK_STR(buf_cstr(&out), expected);
}

TEST(text_is_ascii)
{
    check_print("[\"\\u00e9\\ud83d\\ude00\\n\\u007f\\/\", -0, 1.50, null, true]", 0,
                "[\"\\u00E9\\uD83D\\uDE00\\n\\u007F/\", -0, 1.50, null, true]");
    BUF_AUTO out = {0};
    KV_AUTO *bad = kv_scalar(KV_STRING, "a\xff\xc3z\xed\xa0\x80");
    json_print(&out, bad, 0);
    CHECK_STR(buf_cstr(&out), "\"a\\uFFFD\\uFFFDz\\uFFFD\\uFFFD\\uFFFD\"");
}

TEST(pretty_text_is_indented)
{
    check_print("{\"a\":[1,2],\"b\":{},\"c\":[]}", 1,
                "{\n    \"a\": [\n        1,\n        2\n    ],\n    \"b\": {},\n    \"c\": []\n}");
}

/* ---- tables ---- */

static int is_type(const char *type)
{
    AUTO_FREE char *element = qmp_list_element(type);
    if (element)
        return type[strlen(type) - 1] == ']' && is_type(element);
    return qmp_builtin_find(type, strlen(type)) || qmp_type_find(type);
}

static void check_type(const char *who, const char *type)
{
    if (type && !is_type(type))
        NOTE("%s: type '%s' is in no table", who, type);
    CHECK(!type || is_type(type));
}

static void check_members(const char *who, const struct qmp_member *m)
{
    for (; m && m->name; m++) {
        check_type(who, m->type);
        CHECK(m->optional <= 1);
        for (const struct qmp_member *o = m + 1; o->name; o++)
            CHECK(strcmp(m->name, o->name) != 0);
    }
}

static int has_word(const char *const *words, const char *word)
{
    for (; words && *words; words++)
        if (strcmp(*words, word) == 0)
            return 1;
    return 0;
}

static const struct qmp_type *tag_of(const struct qmp_type *t)
{
    for (const struct qmp_member *m = t->members; m && m->name; m++)
        if (strcmp(m->name, t->tag) == 0)
            return qmp_type_find(m->type);
    return NULL;
}

static void check_object(const struct qmp_type *t)
{
    check_members(t->name, t->members);
    CHECK(!t->cases == !t->tag);
    if (!t->tag)
        return;
    const struct qmp_type *tag = tag_of(t);
    CHECK(tag && tag->meta == QMP_ENUM);
    for (const struct qmp_case *c = t->cases; c->name; c++) {
        check_members(t->name, c->more);
        if (!tag || !has_word(tag->values, c->name))
            NOTE("%s: '%s' is no value of its tag", t->name, c->name);
        CHECK(tag && has_word(tag->values, c->name));
    }
}

static void check_one_type(const struct qmp_type *t)
{
    if (qmp_type_find(t->name) != t)
        NOTE("type '%s' is there twice", t->name);
    CHECK(qmp_type_find(t->name) == t);
    CHECK(!qmp_builtin_find(t->name, strlen(t->name)));
    if (t->meta == QMP_ENUM)
        CHECK(t->values && (t->values[0] || t->classes) && !t->members);
    else if (t->meta == QMP_ALTERNATE)
        check_members(t->name, t->members);
    else
        check_object(t);
}

TEST(every_type_is_whole)
{
    for (const struct qmp_module *const *m = qmp_modules; *m; m++)
        for (const struct qmp_type *t = (*m)->types; t && t->name; t++)
            check_one_type(t);
}

static void check_command(const struct qmp_command *c)
{
    if (qmp_command_find(c->name) != c)
        NOTE("command '%s' is there twice", c->name);
    CHECK(qmp_command_find(c->name) == c);
    CHECK(c->run);
    check_type(c->name, c->args);
    check_type(c->name, c->ret);
    const struct qmp_type *args = c->args ? qmp_type_find(c->args) : NULL;
    CHECK(!c->args || (args && args->meta == QMP_OBJECT));
}

TEST(every_command_and_event_is_whole)
{
    for (const struct qmp_module *const *m = qmp_modules; *m; m++) {
        for (const struct qmp_command *c = (*m)->commands; c && c->name; c++)
            check_command(c);
        for (const struct qmp_event *v = (*m)->events; v && v->name; v++) {
            CHECK(qmp_event_find(v->name) == v);
            check_type(v->name, v->data);
            CHECK(!v->key || v->interval_ms);
        }
    }
}

TEST(the_schema_is_of_its_own_type)
{
    ERR_AUTO e = {0};
    KV_AUTO *schema = qmp_schema(NULL);
    CHECK_EQ(qmp_check_value(NULL, "[SchemaInfo]", schema, &e), 0);
    CHECK(!e.text);
}

/* ---- checks ---- */

static void check_value(const char *type, const char *json, const char *expected)
{
    ERR_AUTO e = {0};
    KV_AUTO *list = json_parse(json, NULL);
    CHECK(list);
    qmp_check_value(NULL, type, list, &e);
    CHECK_STR(e.text ? e.text : "", expected);
}

TEST(numbers_are_held_against_their_range)
{
    check_value("[int]", "[-9223372036854775808, 9223372036854775807]", "");
    check_value("[int]", "[9223372036854775808]",
                "Invalid parameter type for '[0]', expected: integer");
    check_value("[int]", "[1e3]", "Invalid parameter type for '[0]', expected: integer");
    check_value("[uint64]", "[18446744073709551615, -1]", "");
    check_value("[uint64]", "[18446744073709551616]", "Parameter '[0]' expects uint64");
    check_value("[uint8]", "[255]", "");
    check_value("[uint8]", "[256]", "Parameter '[0]' expects uint8_t");
    check_value("[uint8]", "[-1]", "Parameter '[0]' expects uint8_t");
    check_value("[int8]", "[-128]", "");
    check_value("[int8]", "[128]", "Parameter '[0]' expects int8_t");
    check_value("[number]", "[1, 2.5, -1e9]", "");
    check_value("[number]", "[\"1\"]", "Invalid parameter type for '[0]', expected: number");
    check_value("[bool]", "[1]", "Invalid parameter type for '[0]', expected: boolean");
    check_value("[null]", "[1]", "Invalid parameter type for '[0]', expected: null");
    check_value("[any]", "[1, {}, [null]]", "");
}

TEST(members_are_named_by_their_path)
{
    check_value("[SchemaInfo]", "[{\"name\":\"x\",\"meta-type\":\"object\",\"members\":[{}]}]",
                "Parameter '[0].members[0].name' is missing");
    check_value("[SchemaInfo]",
                "[{\"name\":\"x\",\"meta-type\":\"array\",\"element-type\":\"y\",\"values\":[]}]",
                "Parameter '[0].values' is unexpected");
    check_value("[SchemaInfo]", "[{\"name\":\"x\",\"meta-type\":\"pig\"}]",
                "Parameter 'meta-type' does not accept value 'pig'");
    check_value("[SchemaInfo]", "{}", "Invalid parameter type for '', expected: array");
}

int main(void)
{
    RUN(a_value_ends_where_its_brackets_do);
    RUN(a_scalar_ends_before_what_is_not_its);
    RUN(unbalanced_brackets_are_a_value_of_their_own);
    RUN(after_an_error_the_next_bracket_begins);
    RUN(nesting_is_limited);
    RUN(size_is_limited);
    RUN(tokens_are_limited);
    RUN(text_is_ascii);
    RUN(pretty_text_is_indented);
    RUN(every_type_is_whole);
    RUN(every_command_and_event_is_whole);
    RUN(the_schema_is_of_its_own_type);
    RUN(numbers_are_held_against_their_range);
    RUN(members_are_named_by_their_path);
    return tap_done();
}
