/* SPDX-License-Identifier: BSD-2-Clause */
/* The layout of help texts, character by character as QEMU 10.0 prints it. */
#include "cli/help.h"
#include "cli/options.h"
#include "tap.h"
#include "util/alloc.h"
#include <stdlib.h>

static void check_text(struct buf *b, const char *want)
{
    AUTO_FREE char *got = buf_take(b);
    CHECK_STR(got, want);
}

TEST(devices_are_grouped_and_sorted)
{
    static const struct help_device v[] = {
        {"virtio-rng-pci", "PCI", "virtio-rng", NULL, HELP_MISC, false},
        {"isa-serial", "ISA", NULL, NULL, HELP_INPUT, false},
        {"AC97", "PCI", "ac97", "Intel 82801AA AC97 Audio", HELP_SOUND, false},
        {"pxb-cxl", "PCI", NULL, "CXL Host Bridge", HELP_BRIDGE, false},
        {"kvmclock", "System", NULL, NULL, 0, true},
        {"Edu", NULL, NULL, NULL, HELP_MISC, false},
    };
    struct buf b = {0};
    help_devices(&b, v, ARRAY_SIZE(v));
    check_text(
        &b,
        "Controller/Bridge/Hub devices:\nname \"pxb-cxl\", bus PCI, desc \"CXL Host Bridge\"\n\n"
        "Input devices:\nname \"isa-serial\", bus ISA\n\n"
        "Sound devices:\nname \"AC97\", bus PCI, alias \"ac97\", desc \"Intel 82801AA AC97 "
        "Audio\"\n\n"
        "Misc devices:\nname \"Edu\"\nname \"virtio-rng-pci\", bus PCI, alias \"virtio-rng\"\n\n"
        "Uncategorized devices:\nname \"kvmclock\", bus System, no-user\n");
}

TEST(properties_have_a_column)
{
    static const struct help_property v[] = {
        {"multifunction", "bool", "on/off", "off"},
        {"acpi-index", "uint32", NULL, "0"},
        {"bootindex", "int32", NULL, NULL},
        {"aer_max_queued", "uint32", NULL, "64"},
        {"addr", "str", "Slot and optional function number, example: 06.0 or 06", "-1"},
    };
    struct buf b = {0};
    help_properties(&b, "nvme", v, ARRAY_SIZE(v));
    check_text(&b, "nvme options:\n"
                   "  acpi-index=<uint32>    -  (default: 0)\n"
                   "  addr=<str>             - Slot and optional function number, example: 06.0 or "
                   "06 (default: -1)\n"
                   "  aer_max_queued=<uint32> -  (default: 64)\n"
                   "  bootindex=<int32>\n"
                   "  multifunction=<bool>   - on/off (default: off)\n");
}

TEST(properties_sort_as_lines)
{
    static const struct help_property v[] = {
        {"prealloc", "bool", "Preallocate memory", NULL},
        {"prealloc-threads", "int", NULL, NULL},
    };
    struct buf b = {0};
    help_properties(&b, "memory-backend-file", v, ARRAY_SIZE(v));
    check_text(&b, "memory-backend-file options:\n  prealloc-threads=<int>\n"
                   "  prealloc=<bool>        - Preallocate memory\n");
}

TEST(a_type_without_properties_says_so)
{
    struct buf b = {0};
    help_properties(&b, "can-bus", NULL, 0);
    check_text(&b, "There are no options for can-bus.\n");
}

TEST(machines_list_their_alias_first)
{
    static const struct help_machine v[] = {
        {"pc-i440fx-10.0", "Standard PC (i440FX + PIIX, 1996)", "pc", true, false},
        {"pc-i440fx-7.0", "Standard PC (i440FX + PIIX, 1996)", NULL, false, true},
        {"none", "empty machine", NULL, false, false},
    };
    struct buf b = {0};
    help_machines(&b, v, ARRAY_SIZE(v));
    check_text(&b,
               "Supported machines are:\n"
               "pc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-10.0)\n"
               "pc-i440fx-10.0       Standard PC (i440FX + PIIX, 1996) (default)\n"
               "pc-i440fx-7.0        Standard PC (i440FX + PIIX, 1996) (deprecated)\n"
               "none                 empty machine\n");
}

TEST(processors_list_their_flags_folded)
{
    static const struct help_cpu v[] = {{"486-v1", NULL}, {"max", "Enables all features"}};
    static const char *const flags[] = {"abm",  "3dnowprefetch", "3dnowext",  "3dnow",
                                        "ace2", "ace2-en",       "acpi",      "adx",
                                        "aes",  "amd-psfd",      "amd-no-ssb"};
    struct buf b = {0};
    help_cpus(&b, v, ARRAY_SIZE(v), flags, ARRAY_SIZE(flags));
    check_text(
        &b,
        "Available CPUs:\n  486-v1                \n  max                   Enables all "
        "features\n\n"
        "Recognized CPUID flags:\n"
        "  3dnow 3dnowext 3dnowprefetch abm ace2 ace2-en acpi adx aes amd-no-ssb\n  amd-psfd\n\n");
}

TEST(flags_fold_behind_column_75)
{
    static const char *const fit[] = {"a23456789a23456789a23456789a23456789",
                                      "b23456789b23456789b23456789b23456789"};
    static const char *const wide[] = {"a23456789a23456789a23456789a23456789",
                                       "b23456789b23456789b23456789b23456789b"};
    struct buf b = {0};
    help_cpus(&b, NULL, 0, fit, 2);
    AUTO_FREE char *one = buf_take(&b);
    CHECK(strstr(one, "789 b23"));
    help_cpus(&b, NULL, 0, wide, 2);
    AUTO_FREE char *two = buf_take(&b);
    CHECK(strstr(two, "789\n  b23"));
}

TEST(plain_lists)
{
    static const char *const names[] = {"null", "file"};
    struct buf b = {0};
    help_chardevs(&b, names, 2);
    check_text(&b, "Available chardev backend types: \n  null\n  file\n");
    help_objects(&b, names, 2);
    check_text(&b, "List of user creatable objects:\n  file\n  null\n");
    help_netdevs(&b, names, 1);
    check_text(&b, "Available netdev backend types:\nnull\n");
    help_accels(&b, names, 1);
    check_text(&b, "Accelerators supported in QEMU binary:\nnull\n");
}

TEST(the_options_text_names_every_group)
{
    struct buf b = {0};
    cli_print_help(&b, "tenon");
    AUTO_FREE char *text = buf_take(&b);
    static const char *const want[] = {
        "usage: tenon [options] [disk_image]\n",
        "\nStandard options:\n-h\n-help           show this text\n",
        "\nBlock device options:\n",
        "\nDebug/Expert options:\n",
        "\n-device [driver=]type[,prop=value...]\n",
        "\nGeneric object creation:\n-object qom-type,id=id",
    };
    for (size_t i = 0; i < ARRAY_SIZE(want); i++)
        CHECK(strstr(text, want[i]));
    CHECK(!strchr(text, '\t'));
}

int main(void)
{
    RUN(devices_are_grouped_and_sorted);
    RUN(properties_have_a_column);
    RUN(properties_sort_as_lines);
    RUN(a_type_without_properties_says_so);
    RUN(machines_list_their_alias_first);
    RUN(processors_list_their_flags_folded);
    RUN(flags_fold_behind_column_75);
    RUN(plain_lists);
    RUN(the_options_text_names_every_group);
    return tap_done();
}
