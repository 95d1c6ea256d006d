/* SPDX-License-Identifier: BSD-2-Clause */
/* Lets ACPICA judge the tables: iasl disassembles each table of each machine without a word of
 * complaint, compiles what came out with no error, warning or remark, and for AML gives the same
 * bytes again. acpiexec loads the DSDT and runs its methods. Skipped where the tools are not
 * installed. */
#include "acpi/dsdt.h"
#include "acpi/tables.h"
#include "acpi_machines.h"
#include "aml/aml.h"
#include "aml/resource.h"
#include "tap.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define GPA 0x7fe0000u

/* ---- running a tool in a scratch directory ---- */

static char dir[] = "/tmp/acpi-test-XXXXXX";

static void read_all(int fd, struct buf *out)
{
    char chunk[4096];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        buf_add(out, chunk, (size_t)n);
    close(fd);
}

static void exec_in_dir(const char *const argv[], int out)
{
    int null = open("/dev/null", O_RDONLY);
    if (chdir(dir) == 0 && null >= 0) {
        dup2(null, 0);
        dup2(out, 1);
        dup2(out, 2);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
    }
    _exit(127);
}

/* Returns the exit status, 127 if there is no such tool; what it said is appended to out. */
static int run(const char *const argv[], struct buf *out)
{
    int fd[2], status = 0;
    CHECK_EQ(pipe2(fd, O_CLOEXEC), 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        exec_in_dir(argv, fd[1]);
    close(fd[1]);
    read_all(fd[0], out);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define RUN_TOOL(out, ...) run((const char *const[]){__VA_ARGS__, NULL}, out)

static bool has_tool(const char *name)
{
    BUF_AUTO out = {0};
    return RUN_TOOL(&out, name, "-v") != 127;
}

/* Shows what the tool said as comments of the TAP stream. */
static void explain(const struct buf *out)
{
    AUTO_FREE char *text = xstrdup(buf_cstr(out));
    for (char *save = NULL, *s = strtok_r(text, "\n", &save); s; s = strtok_r(NULL, "\n", &save))
        printf("# %s\n", s);
}

static void write_file(const char *name, const void *p, size_t n)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    CHECK(f != NULL);
    CHECK_EQ(fwrite(p, 1, n, f), n);
    CHECK_EQ(fclose(f), 0);
}

static void read_file(const char *name, struct buf *out)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    read_all(fd, out);
}

/* ---- judging one table ---- */

static bool complains(const struct buf *out)
{
    static const char *const words[] = {"Error",   "Warning", "Remark", "Could not",
                                        "Invalid", "invalid", "Unknown"};
    AUTO_FREE char *text = xstrdup(buf_cstr(out));
    /* The summary counts: "Compilation successful. 0 Errors, 0 Warnings, 0 Remarks, ..." */
    char *summary = strstr(text, "Compilation successful. 0 Errors, 0 Warnings, 0 Remarks");
    if (summary)
        *summary = 0;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strstr(text, words[i]))
            return true;
    return false;
}

#define CHECK_SILENT(r, out)                \
    do {                                    \
        if ((r) != 0 || complains(out))     \
            explain(out);                   \
        CHECK((r) == 0 && !complains(out)); \
    } while (0)

static void judge(const uint8_t *table)
{
    BUF_AUTO out = {0}, again = {0};
    uint32_t len = get_le32(table + 4);
    bool aml = memcmp(table, "DSDT", 4) == 0;
    write_file("t.aml", table, len);
    int r = RUN_TOOL(&out, "iasl", "-d", "t.aml");
    CHECK_SILENT(r, &out);
    buf_free(&out);
    r = RUN_TOOL(&out, "iasl", "-oa", "-p", "again", "t.dsl");
    CHECK_SILENT(r, &out);
    read_file("again.aml", &again);
    CHECK_EQ(again.len, len);
    if (aml) /* but for the header, which names the compiler */
        CHECK(memcmp(again.data + ACPI_HEADER_LEN, table + ACPI_HEADER_LEN,
                     len - ACPI_HEADER_LEN) == 0);
}

static const uint8_t *at(const struct buf *b, uint64_t address)
{
    CHECK(address >= GPA && address < GPA + b->len);
    return b->data + (address - GPA);
}

/* Every table that the XSDT names, and the two that the FADT points to. */
static void judge_all(const struct buf *b)
{
    const uint8_t *xsdt = at(b, get_le64(b->data + 24));
    judge(xsdt);
    for (uint32_t i = ACPI_HEADER_LEN; i < get_le32(xsdt + 4); i += 8) {
        const uint8_t *table = at(b, get_le64(xsdt + i));
        judge(table);
        if (memcmp(table, "FACP", 4) != 0)
            continue;
        judge(at(b, get_le64(table + 140)));
        if (get_le64(table + 132))
            judge(at(b, get_le64(table + 132)));
    }
}

static void need(const char *tool)
{
    if (!has_tool(tool))
        SKIP("iasl and acpiexec (acpica-tools) are not installed");
}

/* ---- what devices would add ---- */

static void com1(struct buf *a)
{
    const uint32_t gsi = 4;
    struct aml_block dev = aml_device(a, "COM1");
    aml_name_eisaid(a, "_HID", "PNP0501");
    aml_name_int(a, "_UID", 1);
    aml_name(a, "_CRS");
    struct aml_block crs = aml_resources(a);
    aml_res_io(a, 0x3f8, 0x3f8, 1, 8);
    aml_res_interrupt(a, AML_INT_EDGE, &gsi, 1);
    aml_end(a, crs);
    aml_end(a, dev);
}

static void rtc(struct buf *a)
{
    struct aml_block dev = aml_device(a, "RTC");
    aml_name_eisaid(a, "_HID", "PNP0B00");
    aml_name(a, "_CRS");
    struct aml_block crs = aml_resources(a);
    aml_res_io(a, 0x70, 0x70, 1, 8);
    aml_res_irq_no_flags(a, 1 << 8);
    aml_end(a, crs);
    aml_end(a, dev);
}

/* Every statement and operator of the writer in one device: a generic event device with a mailbox.
 */
static void mailbox(struct buf *a)
{
    const uint32_t gsi = 9;
    struct aml_block dev = aml_device(a, "GED");
    aml_name_string(a, "_HID", "ACPI0013");
    aml_name_int(a, "_UID", 0);
    aml_name(a, "_CRS");
    struct aml_block crs = aml_resources(a);
    aml_res_interrupt(a, AML_INT_EDGE | AML_INT_SHARED, &gsi, 1);
    aml_end(a, crs);
    aml_op_region(a, "REGN", AML_SYSTEM_MEMORY, 0xfea00000, 16);
    struct aml_block field = aml_field(a, "REGN", AML_DWORD_ACC | AML_LOCK | AML_WRITE_AS_ZEROS);
    aml_field_unit(a, "ESEL", 32);
    aml_field_reserved(a, 32);
    aml_field_unit(a, "CPLG", 1);
    aml_end(a, field);
    field = aml_index_field(a, "ESEL", "CPLG", AML_DWORD_ACC);
    aml_field_reserved(a, 64);
    aml_field_unit(a, "IDXF", 8);
    aml_end(a, field);
    aml_mutex(a, "MTX", 0);
    struct aml_block evt = aml_method(a, "_EVT", 1, AML_SERIALIZED);
    struct aml_block ours = aml_if(a);
    aml_op(a, AML_LEQUAL);
    aml_arg(a, 0);
    aml_int(a, 9);
    aml_acquire(a, "MTX", 0xffff);
    aml_op(a, AML_STORE);
    aml_path(a, "ESEL");
    aml_local(a, 0);
    struct aml_block power = aml_if(a);
    aml_op(a, AML_AND);
    aml_local(a, 0);
    aml_int(a, 2);
    aml_null(a);
    aml_notify(a, "PWRB", 0x80);
    aml_end(a, power);
    aml_release(a, "MTX");
    aml_end(a, ours);
    aml_end(a, evt);
    aml_end(a, dev);
    struct aml_block button = aml_device(a, "PWRB");
    aml_name_eisaid(a, "_HID", "PNP0C0C");
    aml_end(a, button);
}

/* Arithmetic that acpiexec evaluates: SUM(n) = 1 + 2 + ... + n, through a field of a buffer. */
static void arithmetic(struct buf *a)
{
    aml_name(a, "BUF");
    aml_buffer(a, NULL, 16);
    aml_create_field_of(a, 8, "BUF", 8, "ACC");
    struct aml_block m = aml_method(a, "SUM", 1, AML_SERIALIZED);
    aml_op(a, AML_STORE);
    aml_int(a, 0);
    aml_local(a, 0);
    aml_op(a, AML_STORE);
    aml_local(a, 0);
    aml_path(a, "ACC");
    struct aml_block loop = aml_while(a);
    aml_op(a, AML_LLESS);
    aml_local(a, 0);
    aml_arg(a, 0);
    aml_op(a, AML_INCREMENT);
    aml_local(a, 0);
    aml_op(a, AML_ADD);
    aml_path(a, "ACC");
    aml_local(a, 0);
    aml_path(a, "ACC");
    aml_end(a, loop);
    aml_op(a, AML_RETURN);
    aml_path(a, "ACC");
    aml_end(a, m);
}

/* An event of the PM device that a device handles: in the root scope, for an object of a later one.
 */
static void event(struct buf *a, const char *path)
{
    struct aml_block m = aml_method(a, "\\_GPE._L01", 0, AML_NOT_SERIALIZED);
    aml_notify(a, path, 1);
    aml_end(a, m);
}

static struct acpi_tables *q35_tables(void)
{
    BUF_AUTO isa = {0}, sb = {0}, root = {0}, self = {0};
    char path[ACPI_PATH_MAX];
    com1(&isa);
    rtc(&isa);
    arithmetic(&sb);
    struct acpi_tables *t = acpi_new();
    CHECK_EQ(acpi_describe(t, &q35_machine), 0);
    CHECK_EQ(acpi_aml(t, "\\_SB.PCI0.ISA", isa.data, isa.len), 0);
    CHECK_EQ(acpi_aml(t, "\\_SB", sb.data, sb.len), 0);
    CHECK_EQ(acpi_pci_function(t, "\\_SB.PCI0", 3 << 3, path, sizeof path), 0);
    event(&root, path);
    CHECK_EQ(acpi_aml(t, "\\", root.data, root.len), 0);
    aml_name_int(&self, "_SUN", 3);
    CHECK_EQ(acpi_aml(t, path, self.data, self.len), 0);
    return t;
}

static void place(struct acpi_tables *t, struct buf *b)
{
    int r = acpi_place(t, GPA, b);
    acpi_free(t);
    CHECK_EQ(r, 0);
}

/* ---- cases ---- */

TEST(iasl_accepts_q35)
{
    BUF_AUTO b = {0};
    need("iasl");
    place(q35_tables(), &b);
    judge_all(&b);
}

TEST(iasl_accepts_microvm)
{
    BUF_AUTO sb = {0}, b = {0};
    need("iasl");
    com1(&sb);
    mailbox(&sb);
    struct acpi_tables *t = acpi_new();
    CHECK_EQ(acpi_describe(t, &microvm_machine), 0);
    CHECK_EQ(acpi_aml(t, "\\_SB", sb.data, sb.len), 0);
    place(t, &b);
    judge_all(&b);
}

static void judge_machine(const struct acpi_machine *m)
{
    BUF_AUTO b = {0};
    struct acpi_tables *t = acpi_new();
    CHECK_EQ(acpi_describe(t, m), 0);
    place(t, &b);
    judge_all(&b);
}

TEST(iasl_accepts_microvm_with_pcie_and_no_ioapic)
{
    need("iasl");
    judge_machine(&microvm_pcie_machine);
}

TEST(iasl_accepts_pc)
{
    need("iasl");
    judge_machine(&pc_machine);
}

TEST(iasl_accepts_processors_and_modules_that_come_and_go)
{
    struct acpi_cpu cpus[NUMA_CPUS];
    struct acpi_machine m = numa_machine(cpus);
    need("iasl");
    m.cpu_hotplug = 0x0cd8;
    m.mem_hotplug = 0x0a00;
    m.n_slots = 256;
    judge_machine(&m);
    m.n_cpus = 1;
    m.n_slots = 1;
    judge_machine(&m);
}

TEST(iasl_accepts_numa_with_300_cpus)
{
    struct acpi_cpu cpus[NUMA_CPUS];
    struct acpi_machine m = numa_machine(cpus);
    need("iasl");
    judge_machine(&m);
}

/* Runs commands of acpiexec on the DSDT of q35; what it says is appended to out. */
static void execute(const char *commands, struct buf *out)
{
    BUF_AUTO b = {0};
    need("acpiexec");
    place(q35_tables(), &b);
    const uint8_t *xsdt = at(&b, get_le64(b.data + 24));
    const uint8_t *dsdt = at(&b, get_le64(at(&b, get_le64(xsdt + 36)) + 140));
    write_file("dsdt.aml", dsdt, get_le32(dsdt + 4));
    CHECK_EQ(RUN_TOOL(out, "acpiexec", "-b", commands, "dsdt.aml"), 0);
}

#define CHECK_SAYS(out, text)                       \
    do {                                            \
        if (!strstr(buf_cstr(out), text))           \
            explain(out);                           \
        CHECK(strstr(buf_cstr(out), text) != NULL); \
    } while (0)

TEST(methods_compute_what_they_should)
{
    BUF_AUTO out = {0};
    execute("execute \\_SB.SUM 0x64", &out);
    CHECK_SAYS(&out, "[Integer] = 00000000000013BA"); /* 5050 */
}

#define UUID "(5B 4D DB 33 F7 1F 1C 40 96 57 74 41 C0 3D D7 66)"

TEST(osc_grants_hotplug_pme_aer_and_the_capability_structure)
{
    BUF_AUTO out = {0};
    execute("execute \\_SB.PCI0._OSC " UUID " 1 3 (00 00 00 00 1F 00 00 00 1F 00 00 00)", &out);
    /* SHPC, bit 1, was asked for and is masked: status bit 4. */
    CHECK_SAYS(&out, "10 00 00 00 1F 00 00 00 1D 00 00 00");
}

TEST(osc_of_an_unknown_uuid_or_revision_says_so)
{
    BUF_AUTO out = {0};
    execute("execute \\_SB.PCI0._OSC (00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F) 1 3 "
            "(00 00 00 00 1F 00 00 00 1F 00 00 00)",
            &out);
    CHECK_SAYS(&out, "04 00 00 00 1F 00 00 00 1F 00 00 00");
    buf_free(&out);
    execute("execute \\_SB.PCI0._OSC " UUID " 7 3 (00 00 00 00 1F 00 00 00 1D 00 00 00)", &out);
    CHECK_SAYS(&out, "08 00 00 00 1F 00 00 00 1D 00 00 00");
}

TEST(the_interpreter_decodes_crs_and_prt)
{
    BUF_AUTO out = {0};
    execute("resources \\_SB.PCI0", &out);
    CHECK_SAYS(&out, "Address Maximum : FEBFFFFF");
    CHECK_SAYS(&out, "Address Length : 0000000800000000");
    /* Slot 31, pin 3: the last of 128 routes */
    CHECK_SAYS(&out, "[7F] PCI IRQ Routing Table Package");
    CHECK_SAYS(&out, "Address : 00000000001FFFFF");
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    RUN(iasl_accepts_q35);
    RUN(iasl_accepts_microvm);
    RUN(iasl_accepts_microvm_with_pcie_and_no_ioapic);
    RUN(iasl_accepts_pc);
    RUN(iasl_accepts_numa_with_300_cpus);
    RUN(iasl_accepts_processors_and_modules_that_come_and_go);
    RUN(methods_compute_what_they_should);
    RUN(osc_grants_hotplug_pme_aer_and_the_capability_structure);
    RUN(osc_of_an_unknown_uuid_or_revision_says_so);
    RUN(the_interpreter_decodes_crs_and_prt);
    BUF_AUTO out = {0};
    if (rmdir(dir) != 0) /* empty if there were no tools */
        RUN_TOOL(&out, "rm", "-rf", dir);
    return tap_done();
}
