/* SPDX-License-Identifier: BSD-2-Clause */
/* The grammars of an option's argument. What is expected was seen with QEMU 7.2 and 10.0, unless
 * said otherwise. */
#include "cli/chardev_short.h"
#include "cli/json.h"
#include "cli/keyval.h"
#include "tap.h"
#include "util/alloc.h"
#include <stdlib.h>

/* The tree as JSON; freed by the caller. */
static char *print(const struct kv_node *n)
{
    struct buf b = {0};
    json_print(&b, n, 0);
    return buf_take(&b);
}

static void check_tree(struct kv_node *n, const char *json)
{
    AUTO_FREE char *got = n ? print(n) : xstrdup("error");
    kv_free(n);
    CHECK_STR(got, json);
}

static void check_flat(const char *text, const char *implied, const char *json)
{
    check_tree(keyval_parse(text, implied), json);
}

static void check_dotted(const char *text, const char *implied, const char *json)
{
    AUTO_FREE char *err = NULL;
    KV_AUTO *flat = kv_new(KV_DICT);
    if (keyval_parse_dotted(flat, "", text, implied, &err) == 0) {
        struct kv_node *nested = keyval_nest(flat, &err);
        if (nested) {
            check_tree(nested, json);
            return;
        }
    }
    CHECK_STR(err, json);
}

static void check_json(const char *text, const char *json)
{
    AUTO_FREE char *err = NULL;
    struct kv_node *n = json_parse(text, &err);
    if (n)
        check_tree(n, json);
    else
        CHECK_STR(err, json);
}

TEST(flat_first_item_may_leave_out_its_key)
{
    check_flat("edu,addr=4", "driver", "{\"driver\": \"edu\", \"addr\": \"4\"}");
    check_flat("driver=edu,addr=4", "driver", "{\"driver\": \"edu\", \"addr\": \"4\"}");
    check_flat(",id=x", "driver", "{\"driver\": \"\", \"id\": \"x\"}");
    check_flat("", "driver", "{}");
    check_flat("a=1,edu", "driver", "{\"a\": \"1\", \"edu\": \"on\"}");
}

TEST(flat_double_comma_is_a_comma_in_a_value)
{
    check_flat("k=a,,b,c=d", NULL, "{\"k\": \"a,b\", \"c\": \"d\"}");
    check_flat("a,,b,c=d", "k", "{\"k\": \"a,b\", \"c\": \"d\"}");
    check_flat("size=1M,,", NULL, "{\"size\": \"1M,\"}");
    check_flat("k=,,,,,x=1", NULL, "{\"k\": \",,\", \"x\": \"1\"}");
}

TEST(flat_keys_are_not_unescaped)
{
    /* As QEMU: two flags, "a" and "". */
    check_flat("edu,a,,b", "driver",
               "{\"driver\": \"edu\", \"a\": \"on\", \"\": \"on\", \"b\": \"on\"}");
}

TEST(flat_trailing_comma_is_ignored)
{
    check_flat("memory-backend-memfd,id=mem,size=256M,", "qom-type",
               "{\"qom-type\": \"memory-backend-memfd\", \"id\": \"mem\", \"size\": \"256M\"}");
}

TEST(flat_bare_key_is_on_and_no_prefix_is_off)
{
    check_flat("x,share,nowait", "type", "{\"type\": \"x\", \"share\": \"on\", \"wait\": \"off\"}");
    KV_AUTO *kv = keyval_parse("x,share,a=on", "type");
    CHECK(kv_get(kv, "share")->flag);
    CHECK(!kv_get(kv, "a")->flag);
    CHECK(!kv_get(kv, "type")->flag);
}

TEST(flat_keys_repeat_and_the_last_wins)
{
    check_flat("cpus=0,cpus=2", NULL, "{\"cpus\": \"0\", \"cpus\": \"2\"}");
    KV_AUTO *kv = keyval_parse("size=1M,size=2M", NULL);
    CHECK_STR(kv_text(kv, "size"), "2M");
    kv_set(kv, "size", "3M");
    CHECK_EQ(kv->n_child, 1);
    CHECK_STR(kv_text(kv, "size"), "3M");
}

TEST(flat_values_keep_equals_signs_and_blanks)
{
    check_flat("name=opt/x,string=a = b", NULL, "{\"name\": \"opt/x\", \"string\": \"a = b\"}");
}

TEST(dotted_keys_nest)
{
    check_dotted("q35,cxl=on,cxl-fmw.0.targets.0=a,cxl-fmw.0.targets.1=b,cxl-fmw.0.size=4G", "type",
                 "{\"type\": \"q35\", \"cxl\": \"on\", \"cxl-fmw\": [{\"targets\": [\"a\", \"b\"], "
                 "\"size\": \"4G\"}]}");
    check_dotted("a.1=y,a.0=x", NULL, "{\"a\": [\"x\", \"y\"]}");
    check_dotted("a=1,a=2", NULL, "{\"a\": \"2\"}");
}

TEST(dotted_bare_key_is_refused)
{
    check_dotted("q35,cxl", "type", "Expected '=' after parameter 'cxl'");
    check_dotted("q35,,", "type", "{\"type\": \"q35,\"}");
}

TEST(dotted_help_is_a_flag)
{
    AUTO_FREE char *err = NULL;
    KV_AUTO *kv = kv_new(KV_DICT);
    CHECK_EQ(keyval_parse_dotted(kv, "", "q35,help", "type", &err), 0);
    CHECK_EQ(keyval_help_wanted(kv, "type"), KEYVAL_HELP_PROPERTIES);
}

TEST(dotted_bad_keys_are_named)
{
    check_dotted("q35,cxl-fmw.0.size=4G,cxl-fmw.1x=1", "type", "Invalid parameter 'cxl-fmw.1x'");
    check_dotted("a..b=1", NULL, "Invalid parameter 'a..b'");
    check_dotted("=1", NULL, "Invalid parameter ''");
    check_dotted("0.a=1", NULL, "Invalid parameter '0.a'");
    check_dotted("a%=1", NULL, "Invalid parameter 'a%'");
}

TEST(dotted_value_and_members_exclude_each_other)
{
    check_dotted("cxl-fmw.0.size=1,cxl-fmw=3", NULL, "Parameters 'cxl-fmw.*' used inconsistently");
    check_dotted("cxl-fmw=3,cxl-fmw.0.size=1", NULL, "Parameters 'cxl-fmw.*' used inconsistently");
    check_dotted("a.0=1,a.b=2", NULL, "Parameters 'a.*' used inconsistently");
}

TEST(dotted_lists_have_no_holes)
{
    check_dotted("a.0=1,a.2=2", NULL, "Parameter 'a.1' missing");
    check_dotted("a.b.1=1", NULL, "Parameter 'a.b.0' missing");
    check_dotted("a.4294967296=1", NULL, "Parameter 'a.0' missing");
    check_dotted("a.0=1,a.00=1", NULL, "Parameter 'a.1' missing");
}

TEST(dotted_depth_is_bounded)
{
    struct buf key = {0};
    buf_str(&key, "a");
    for (int i = 0; i < 100000; i++)
        buf_str(&key, ".a");
    buf_str(&key, "=1");
    AUTO_FREE char *text = buf_take(&key), *err = NULL;
    KV_AUTO *flat = kv_new(KV_DICT);
    CHECK(keyval_parse_dotted(flat, "", text, NULL, &err) < 0);
    KV_AUTO *direct = keyval_parse(text, NULL);
    CHECK(!keyval_nest(direct, &err));
}

TEST(json_keeps_types)
{
    check_json(
        "{\"driver\":\"nvme\",\"n\":18446744073709551615,\"b\":true,\"x\":[1,-2.5e3,null,{}]}",
        "{\"driver\": \"nvme\", \"n\": 18446744073709551615, \"b\": true, \"x\": [1, -2.5e3, null, "
        "{}]}");
    AUTO_FREE char *err = NULL;
    KV_AUTO *n = json_parse("{\"b\":false,\"s\":\"on\",\"i\":1}", &err);
    CHECK_EQ(kv_get(n, "b")->kind, KV_BOOL);
    CHECK_STR(kv_text(n, "b"), "off");
    CHECK_EQ(kv_get(n, "s")->kind, KV_STRING);
    CHECK_EQ(kv_get(n, "i")->kind, KV_NUMBER);
}

TEST(json_takes_single_quotes)
{
    check_json("{'a':'b\"c','d':\"e'f\"}", "{\"a\": \"b\\\"c\", \"d\": \"e'f\"}");
}

TEST(json_strings_unescape)
{
    check_json("\"\\u00e9\\ud83d\\ude00\\n\\/\"", "\"\\u00E9\\uD83D\\uDE00\\n/\"");
    check_json("\"\\ud83d\"", "JSON parse error, invalid \\u escape");
    check_json("\"\\ud83d\\u0041\"", "JSON parse error, invalid surrogate pair");
    check_json("\"\\ud83d\\ue000\"", "JSON parse error, invalid surrogate pair");
    check_json("\"\\ude00\"", "JSON parse error, invalid \\u escape");
    check_json("\"\\u0000\"", "JSON parse error, invalid \\u escape");
    check_json("\"\\q\"", "JSON parse error, invalid escape sequence in string");
    check_json("\"\xff\"", "JSON parse error, invalid UTF-8 sequence in string");
    check_json("\"\xc0\x80\"", "JSON parse error, invalid UTF-8 sequence in string");
    check_json("\"\xed\xa0\x80\"", "JSON parse error, invalid UTF-8 sequence in string");
    check_json("\"\t\"", "JSON parse error, control character in string");
}

TEST(json_mistakes_are_refused)
{
    check_json("{\"a\":1,\"a\":2}", "JSON parse error, duplicate key");
    check_json("{\"a\":1,}", "JSON parse error, expecting value");
    check_json("{\"a\"", "JSON parse error, premature end");
    check_json("{} x", "Expecting at most one JSON value");
    check_json("{\"a\" 1}", "JSON parse error, missing : in object pair");
    check_json("01", "JSON parse error, invalid number");
    check_json("[1 2]", "JSON parse error, expected separator in list");
    check_json("nulll", "JSON parse error, invalid keyword 'nulll'");
    check_json("\"a", "JSON parse error, premature end");
    check_json("", "JSON parse error, premature end");
    check_json("1.", "JSON parse error, invalid number");
}

TEST(json_depth_is_bounded)
{
    char text[200001];
    memset(text, '[', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    check_json(text, "JSON parse error, nested too deeply");
}

TEST(json_is_recognised_by_its_first_byte)
{
    AUTO_FREE char *err = NULL;
    check_tree(keyval_parse_or_json("{\"driver\":\"edu\"}", "driver", &err),
               "{\"driver\": \"edu\"}");
    check_tree(keyval_parse_or_json(" {}", "driver", &err), "{\"driver\": \" {}\"}");
}

static enum keyval_help help_of(const char *text)
{
    KV_AUTO *kv = keyval_parse(text, "driver");
    return keyval_help_wanted(kv, "driver");
}

TEST(help_is_recognised)
{
    CHECK_EQ(help_of("help"), KEYVAL_HELP_TYPES);
    CHECK_EQ(help_of("?"), KEYVAL_HELP_TYPES);
    CHECK_EQ(help_of("edu,help"), KEYVAL_HELP_PROPERTIES);
    CHECK_EQ(help_of("edu,id=a,?"), KEYVAL_HELP_PROPERTIES);
    CHECK_EQ(help_of("edu,help=on"), KEYVAL_NO_HELP);
    CHECK_EQ(help_of("edu"), KEYVAL_NO_HELP);
}

TEST(ids_start_with_a_letter)
{
    CHECK(keyval_is_id("a1-_.x"));
    CHECK(!keyval_is_id("1a"));
    CHECK(!keyval_is_id(""));
    CHECK(!keyval_is_id("a b"));
    CHECK(!keyval_is_id("a/b"));
}

static void check_short(const char *text, const char *json)
{
    AUTO_FREE char *err = NULL;
    struct kv_node *n = chardev_short_parse(text, "c0", &err);
    if (n)
        check_tree(n, json);
    else
        CHECK_STR(err, json);
}

TEST(short_chardevs_become_long_ones)
{
    check_short("stdio", "{\"backend\": \"stdio\", \"id\": \"c0\"}");
    check_short("mon:stdio",
                "{\"backend\": \"stdio\", \"id\": \"c0\", \"mux\": \"on\", \"signal\": \"off\"}");
    check_short("mon:null", "{\"backend\": \"null\", \"id\": \"c0\", \"mux\": \"on\"}");
    check_short("file:/a,b", "{\"backend\": \"file\", \"path\": \"/a,b\", \"id\": \"c0\"}");
    check_short("pipe:/a", "{\"backend\": \"pipe\", \"path\": \"/a\", \"id\": \"c0\"}");
    check_short("chardev:x", "{\"id\": \"x\"}");
    check_short("/dev/ttyS0",
                "{\"backend\": \"serial\", \"path\": \"/dev/ttyS0\", \"id\": \"c0\"}");
    check_short("vc:80Cx24C",
                "{\"backend\": \"vc\", \"cols\": \"80\", \"rows\": \"24\", \"id\": \"c0\"}");
}

TEST(short_sockets_become_long_ones)
{
    check_short("unix:/s,server,nowait", "{\"backend\": \"socket\", \"path\": \"/s\", \"server\": "
                                         "\"on\", \"wait\": \"off\", \"id\": \"c0\"}");
    check_short("tcp:h:1,server=on", "{\"backend\": \"socket\", \"host\": \"h\", \"port\": \"1\", "
                                     "\"server\": \"on\", \"id\": \"c0\"}");
    check_short("telnet::1", "{\"backend\": \"socket\", \"host\": \"\", \"port\": \"1\", "
                             "\"telnet\": \"on\", \"id\": \"c0\"}");
    check_short("tcp:[::1]:2",
                "{\"backend\": \"socket\", \"host\": \"::1\", \"port\": \"2\", \"id\": \"c0\"}");
    check_short("udp:h:1@l:2",
                "{\"backend\": \"udp\", \"host\": \"h\", \"port\": \"1\", \"localaddr\": \"l\", "
                "\"localport\": \"2\", \"id\": \"c0\"}");
}

TEST(short_chardevs_that_are_none_are_named)
{
    check_short("foo", "'foo' is not a valid char driver");
    check_short("file", "'file' is not a valid char driver");
    check_short("file:", "'file:' is not a valid char driver");
    check_short("mon:foo", "'foo' is not a valid char driver");
    check_short("tcp:localhost", "'tcp:localhost' is not a valid char driver");
    check_short("tcp:h:", "'tcp:h:' is not a valid char driver");
    check_short("udp:h:1,x", "'udp:h:1,x' is not a valid char driver");
    check_short("unix:", "'unix:' is not a valid char driver");
    check_short("vc:80", "'vc:80' is not a valid char driver");
    check_short("tcp:[::1", "'tcp:[::1' is not a valid char driver");
}

int main(void)
{
    RUN(flat_first_item_may_leave_out_its_key);
    RUN(flat_double_comma_is_a_comma_in_a_value);
    RUN(flat_keys_are_not_unescaped);
    RUN(flat_trailing_comma_is_ignored);
    RUN(flat_bare_key_is_on_and_no_prefix_is_off);
    RUN(flat_keys_repeat_and_the_last_wins);
    RUN(flat_values_keep_equals_signs_and_blanks);
    RUN(dotted_keys_nest);
    RUN(dotted_bare_key_is_refused);
    RUN(dotted_help_is_a_flag);
    RUN(dotted_bad_keys_are_named);
    RUN(dotted_value_and_members_exclude_each_other);
    RUN(dotted_lists_have_no_holes);
    RUN(dotted_depth_is_bounded);
    RUN(json_keeps_types);
    RUN(json_takes_single_quotes);
    RUN(json_strings_unescape);
    RUN(json_mistakes_are_refused);
    RUN(json_depth_is_bounded);
    RUN(json_is_recognised_by_its_first_byte);
    RUN(help_is_recognised);
    RUN(ids_start_with_a_letter);
    RUN(short_chardevs_become_long_ones);
    RUN(short_sockets_become_long_ones);
    RUN(short_chardevs_that_are_none_are_named);
    return tap_done();
}
