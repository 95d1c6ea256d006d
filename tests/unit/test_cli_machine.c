/* SPDX-License-Identifier: BSD-2-Clause */
/* What the command line says of the machine: -M, -m, -smp, -boot; expectations from QEMU 7.2 and
 * 10.0, unless said otherwise. */
#include "cli_scan.h"

TEST(machine_options_merge)
{
    SCAN(s, "-M q35,cxl=on,cxl-fmw.0.targets.0=a,cxl-fmw.0.size=4G -machine "
            "cxl-fmw.0.interleave-granularity=8k "
            "-M cxl=off -usb -no-hpet");
    CHECK_EQ(s.r, 0);
    /* One window though it is described in two options, which QEMU refuses. */
    check_kv(s.o.machine,
             "{\"type\": \"q35\", \"cxl\": \"off\", \"cxl-fmw\": [{\"targets\": [\"a\"], \"size\": "
             "\"4G\", "
             "\"interleave-granularity\": \"8k\"}], \"usb\": \"on\", \"hpet\": \"off\"}");
    CHECK_EQ(s.o.n_warnings, 1);
    CHECK_STR(s.o.warnings[0],
              "-no-hpet: warning: -no-hpet is deprecated, use '-machine hpet=off' instead");
}

TEST(machine_mistakes_are_named)
{
    check_error("-M q35,cxl", "-M q35,cxl: Expected '=' after parameter 'cxl'");
    check_error("-M q35,cxl-fmw.0.size=1 -M cxl-fmw=3",
                "-M cxl-fmw=3: Parameters 'cxl-fmw.*' used inconsistently");
    check_error("-M q35,a.1=x", "-M q35,a.1=x: Parameter 'a.0' missing");
}

TEST(kernel_words_are_machine_properties)
{
    SCAN(s, "-kernel k -append a,b=c -initrd i -M dtb=d -bios b");
    CHECK_STR(s.o.kernel, "k");
    CHECK_STR(s.o.append, "a,b=c");
    CHECK_STR(s.o.initrd, "i");
    CHECK_STR(s.o.dtb, "d");
    CHECK_STR(s.o.bios, "b");
    CHECK_EQ(s.o.machine->n_child, 0);
    check_error("-append x", "-append only allowed with -kernel option");
    check_error("-initrd x", "-initrd only allowed with -kernel option");
}

TEST(memory_counts_mib_and_maxmem_bytes)
{
    SCAN(s, "-m 1G,slots=8 -m maxmem=8G");
    CHECK_EQ(s.r, 0);
    CHECK_EQ(s.o.memory.size, (uint64_t)1 << 30);
    CHECK_EQ(s.o.memory.maxmem, (uint64_t)8 << 30);
    CHECK_EQ(s.o.memory.slots, 8);
    SCAN(plain, "-m 512");
    CHECK_EQ(plain.o.memory.size, (uint64_t)512 << 20);
    SCAN(fraction, "-m 1.5G");
    CHECK_EQ(fraction.o.memory.size, (uint64_t)1536 << 20);
    SCAN(none, "-m 0");
    CHECK(!none.o.memory.given);
    SCAN(machine, "-M memory.size=2G");
    CHECK_EQ(machine.o.memory.size, (uint64_t)2 << 30);
    check_error_has("-m 1G,maxmem=2048", "maximum memory size (0x800) must be at least");
}

TEST(memory_mistakes_are_named)
{
    check_error_has("-m foo", "-m foo: Parameter 'size' expects a non-negative number below 2^64");
    check_error_has("-m -1", "Parameter 'size' expects a non-negative number");
    check_error("-m 16E", "-m 16E: Value '16E' is out of range for parameter 'size'");
    check_error("-m 1G,bogus=1", "-m 1G,bogus=1: Invalid parameter 'bogus'");
    check_error("-m 1G,slots=x,maxmem=2G",
                "-m 1G,slots=x,maxmem=2G: Parameter 'slots' expects integer");
    check_error_has("-m 1G,slots=2", "slots specified but no max");
    check_error_has("-m 1G,maxmem=1G,slots=1", "is equal to the initial memory size");
    check_error_has("-m 1G,slots=300,maxmem=4G", "unsupported amount of memory slots: 300");
    check_error_has("-m 1G,slots=-1,maxmem=4G",
                    "unsupported amount of memory slots: 18446744073709551615");
}

static void check_smp(const char *text, struct cli_smp want)
{
    SCAN(s, text);
    CHECK_EQ(s.r, 0);
    CHECK_EQ(s.o.smp.cpus, want.cpus);
    CHECK_EQ(s.o.smp.maxcpus, want.maxcpus);
    CHECK_EQ(s.o.smp.sockets, want.sockets);
    CHECK_EQ(s.o.smp.dies, want.dies);
    CHECK_EQ(s.o.smp.cores, want.cores);
    CHECK_EQ(s.o.smp.threads, want.threads);
}

TEST(smp_fills_cores_then_sockets_then_threads)
{
    /* cpus, maxcpus, sockets, dies, clusters, modules, cores, threads */
    check_smp("", (struct cli_smp){1, 1, 1, 1, 1, 1, 1, 1});
    check_smp("-smp 4", (struct cli_smp){4, 4, 1, 1, 1, 1, 4, 1});
    check_smp("-smp 4,sockets=2", (struct cli_smp){4, 4, 2, 1, 1, 1, 2, 1});
    check_smp("-smp 8,cores=2", (struct cli_smp){8, 8, 4, 1, 1, 1, 2, 1});
    check_smp("-smp 8,sockets=2,cores=2", (struct cli_smp){8, 8, 2, 1, 1, 1, 2, 2});
    check_smp("-smp 8,dies=2", (struct cli_smp){8, 8, 1, 2, 1, 1, 4, 1});
    check_smp("-smp 2,maxcpus=8", (struct cli_smp){2, 8, 1, 1, 1, 1, 8, 1});
    check_smp("-smp maxcpus=4", (struct cli_smp){4, 4, 1, 1, 1, 1, 4, 1});
    check_smp("-smp cores=2,threads=2", (struct cli_smp){4, 4, 1, 1, 1, 1, 2, 2});
    check_smp("-smp 4 -smp cores=2", (struct cli_smp){4, 4, 2, 1, 1, 1, 2, 1});
    check_smp("-M q35,smp.cpus=3", (struct cli_smp){3, 3, 1, 1, 1, 1, 3, 1});
}

TEST(smp_mistakes_are_named)
{
    check_error_has("-smp 0", "CPU topology parameters must be greater than zero");
    check_error_has("-smp 2,cores=0", "CPU topology parameters must be greater than zero");
    check_error_has("-smp 2,cores=3", "product of the hierarchy must match maxcpus: sockets (0)");
    check_error_has("-smp 3,maxcpus=7,cores=2",
                    "product of the hierarchy must match maxcpus: sockets (3)");
    check_error_has("-smp 4,maxcpus=2", "maxcpus must be equal to or greater than smp");
    check_error("-smp 2,foo=1", "Parameter 'smp.foo' is unexpected");
    check_error("-smp a", "Parameter 'smp.cpus' expects integer");
    check_error_has("-smp 4294967297", "Parameter 'smp.cpus' expects integer from");
    check_error_has("-smp sockets=4294967295,cores=4294967295,threads=4294967295",
                    "product of the hierarchy");
    check_error("-M smp=3", "Invalid parameter type for 'smp', expected: object");
}

TEST(smp_is_checked_against_a_machine)
{
    const struct cli_smp_limits limits = {.machine = "q35", .max_cpus = 288, .dies = true};
    AUTO_FREE char *err = NULL;
    SCAN(many, "-smp 300");
    CHECK(cli_smp_check(&many.o.smp, &limits, &err) < 0);
    CHECK_STR(err, "Invalid SMP CPUs 300. The max CPUs supported by machine 'q35' is 288");
    SCAN(clusters, "-smp 8,clusters=2");
    CHECK(cli_smp_check(&clusters.o.smp, &limits, &err) < 0);
    CHECK_STR(err, "clusters > 1 not supported by this machine's CPU topology");
    SCAN(fits, "-smp 8,dies=2");
    CHECK_EQ(cli_smp_check(&fits.o.smp, &limits, &err), 0);
}

TEST(boot_is_letters_and_switches)
{
    SCAN(s, "-boot order=cd,menu=on,splash-time=5");
    CHECK_STR(s.o.boot.order, "cd");
    CHECK(s.o.boot.menu && !s.o.boot.strict);
    CHECK_EQ(s.o.boot.splash_time, 5);
    CHECK_EQ(s.o.boot.reboot_timeout, (uint64_t)-1);
    check_error("-boot foo", "Boot device 'o' was given twice");
    check_error("-boot order=z", "Invalid boot device 'z'");
    check_error("-boot menu=maybe", "Parameter 'boot.menu' expects 'on' or 'off'");
    check_error("-boot x=1", "Parameter 'boot.x' is unexpected");
    check_error_has("-boot splash-time=-2", "splash-time");
    check_error_has("-boot reboot-timeout=70000", "-1 to 65535");
}

int main(void)
{
    RUN(machine_options_merge);
    RUN(machine_mistakes_are_named);
    RUN(kernel_words_are_machine_properties);
    RUN(memory_counts_mib_and_maxmem_bytes);
    RUN(memory_mistakes_are_named);
    RUN(smp_fills_cores_then_sockets_then_threads);
    RUN(smp_mistakes_are_named);
    RUN(smp_is_checked_against_a_machine);
    RUN(boot_is_letters_and_switches);
    return tap_done();
}
