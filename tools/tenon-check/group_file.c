/* SPDX-License-Identifier: BSD-2-Clause */
/* The file itself, not loaded: docs/abi.md, Finding and loading. */
#include "check.h"
#include "elf_file.h"
#include <dlfcn.h>
#include <string.h>

#define EXPORT "tn_plugin_v1"

static void open_elf(struct check *c, struct elf *f)
{
    const char *why = elf_open(f, c->o->path);
    if (why)
        check_fail(c, "%s", why);
}

static void is_shared_object(struct check *c)
{
    struct elf f;
    open_elf(c, &f);
    elf_close(&f);
}

static int starts(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

/* Sanitizers and coverage bring constructors and globals of their own: such a build says nothing
 * about the rules. */
static void open_plain(struct check *c, struct elf *f)
{
    static const char *const marks[] = {"__asan_", "__tsan_",         "__ubsan_",    "__msan_",
                                        "__gcov_", "__llvm_profile_", "__sanitizer_"};
    open_elf(c, f);
    for (size_t i = 0; i < f->nsym; i++)
        for (size_t k = 0; k < sizeof marks / sizeof marks[0]; k++)
            if (starts(elf_str(f, f->sym[i].st_name), marks[k]))
                check_skip(c, "it is instrumented by a sanitizer or for coverage");
    for (uint32_t i = 0; f->sh && i < f->h->e_shnum; i++)
        if (strstr(elf_section_name(f, i), "__llvm_prf"))
            check_skip(c, "it is instrumented for coverage");
}

static int exported(const Elf64_Sym *s)
{
    int bind = ELF64_ST_BIND(s->st_info), vis = ELF64_ST_VISIBILITY(s->st_other);
    return s->st_shndx != SHN_UNDEF && bind != STB_LOCAL &&
           (vis == STV_DEFAULT || vis == STV_PROTECTED);
}

static int linker_made(const char *n)
{
    return strcmp(n, "_end") == 0 || strcmp(n, "_edata") == 0 || strcmp(n, "__bss_start") == 0;
}

static void has_symbol(struct check *c)
{
    struct elf f;
    open_elf(c, &f);
    for (size_t i = 0; i < f.nsym; i++)
        if (exported(&f.sym[i]) && strcmp(elf_str(&f, f.sym[i].st_name), EXPORT) == 0)
            return;
    check_fail(c, EXPORT " is not exported");
}

static void exports_one(struct check *c)
{
    struct elf f;
    open_plain(c, &f);
    for (size_t i = 0; i < f.nsym; i++) {
        const char *n = elf_str(&f, f.sym[i].st_name);
        CHECK(c, !exported(&f.sym[i]) || !*n || strcmp(n, EXPORT) == 0 || linker_made(n),
              "%s is exported, too", n);
    }
}

/* ---- what it needs ---- */

static const char *const base_libs[] = {"libc.so.6",
                                        "libm.so.6",
                                        "libgcc_s.so.1",
                                        "ld-linux-x86-64.so.2",
                                        "ld-linux-aarch64.so.1",
                                        "libpthread.so.0",
                                        "librt.so.1",
                                        "libdl.so.2",
                                        NULL};

static int named(const char *const *list, const char *s)
{
    for (; *list; list++)
        if (strcmp(*list, s) == 0)
            return 1;
    return 0;
}

static int allowed(const struct check *c, const char *lib)
{
    return named(base_libs, lib) || named(c->o->libs, lib);
}

static void needs_declared(struct check *c)
{
    struct elf f;
    open_elf(c, &f);
    for (size_t i = 0; i < f.ndyn && f.dyn[i].d_tag != DT_NULL; i++)
        if (f.dyn[i].d_tag == DT_NEEDED) {
            const char *lib = elf_str(&f, f.dyn[i].d_un.d_val);
            CHECK(c, allowed(c, lib), "needs %s, which is not declared (--lib)", lib);
        }
}

/* A declared library without versions: asked whether it has the symbol. */
static int offered(const struct check *c, const char *name)
{
    for (const char *const *l = c->o->libs; *l; l++) {
        void *so = dlopen(*l, RTLD_LAZY | RTLD_LOCAL);
        if (so && dlsym(so, name))
            return 1;
    }
    return 0;
}

static void foreign(struct check *c, const struct elf *f, size_t i)
{
    const char *name = elf_str(f, f->sym[i].st_name);
    uint32_t ver = f->versym ? f->versym[i] & 0x7fff : 0;
    const char *lib = ver > 1 ? elf_version_file(f, ver) : NULL;
    CHECK(c, lib ? allowed(c, lib) : offered(c, name),
          "%s is undefined and comes from no declared library", name);
}

static void symbols_of_libraries(struct check *c)
{
    struct elf f;
    open_plain(c, &f);
    for (size_t i = 1; i < f.nsym; i++)
        if (f.sym[i].st_shndx == SHN_UNDEF && f.sym[i].st_name)
            foreign(c, &f, i);
}

/* ---- inert ---- */

static void no_constructors(struct check *c)
{
    static const int64_t tags[] = {DT_INIT, DT_FINI, DT_INIT_ARRAY, DT_FINI_ARRAY,
                                   DT_PREINIT_ARRAY};
    static const char *const names[] = {".ctors", ".dtors", ".init", ".fini"};
    struct elf f;
    open_plain(c, &f);
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        CHECK(c, !elf_tag(&f, tags[i]),
              "its dynamic section has tag 0x%llx: code that runs at loading",
              (unsigned long long)tags[i]);
    for (uint32_t i = 0; f.sh && i < f.h->e_shnum; i++)
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
            CHECK(c, !starts(elf_section_name(&f, i), names[k]) || !f.sh[i].sh_size,
                  "it has a section %s", elf_section_name(&f, i));
}

static void no_tls(struct check *c)
{
    struct elf f;
    open_plain(c, &f);
    const Elf64_Phdr *s = elf_segment(&f, PT_TLS);
    CHECK(c, !s, "it has %llu bytes of thread-local storage", (unsigned long long)s->p_memsz);
}

static void no_writable(struct check *c)
{
    struct elf f;
    open_plain(c, &f);
    const Elf64_Phdr *ro = elf_segment(&f, PT_GNU_RELRO);
    if (!f.sh)
        check_skip(c, "it has no section headers");
    for (uint32_t i = 0; i < f.h->e_shnum; i++) {
        const Elf64_Shdr *s = &f.sh[i];
        int inside =
            ro && ro->p_vaddr <= s->sh_addr && s->sh_addr + s->sh_size <= ro->p_vaddr + ro->p_memsz;
        int writable = s->sh_flags & SHF_WRITE && s->sh_flags & SHF_ALLOC &&
                       !(s->sh_flags & SHF_TLS) && s->sh_size;
        CHECK(c, !writable || inside, "%s has %llu writable bytes", elf_section_name(&f, i),
              (unsigned long long)s->sh_size);
    }
}

/* ---- hardened ---- */

static int flag(const struct elf *f, int64_t tag, uint64_t bit)
{
    const Elf64_Dyn *d = elf_tag(f, tag);
    return d && d->d_un.d_val & bit;
}

static void relro_now(struct check *c)
{
    struct elf f;
    open_elf(c, &f);
    CHECK(c, elf_segment(&f, PT_GNU_RELRO), "no GNU_RELRO segment: link with -z relro");
    CHECK(c,
          flag(&f, DT_FLAGS, DF_BIND_NOW) || flag(&f, DT_FLAGS_1, DF_1_NOW) ||
              elf_tag(&f, DT_BIND_NOW),
          "symbols are bound lazily: link with -z now");
}

static void no_exec_stack(struct check *c)
{
    struct elf f;
    open_elf(c, &f);
    const Elf64_Phdr *s = elf_segment(&f, PT_GNU_STACK);
    CHECK(c, s, "no GNU_STACK segment: the stack becomes executable");
    CHECK(c, !(s->p_flags & PF_X), "it wants an executable stack");
    for (uint32_t i = 0; i < f.h->e_phnum; i++)
        CHECK(c, f.ph[i].p_type != PT_LOAD || !(f.ph[i].p_flags & PF_W && f.ph[i].p_flags & PF_X),
              "the segment at 0x%llx is writable and executable",
              (unsigned long long)f.ph[i].p_vaddr);
}

static void no_textrel(struct check *c)
{
    struct elf f;
    open_elf(c, &f);
    CHECK(c, !elf_tag(&f, DT_TEXTREL) && !flag(&f, DT_FLAGS, DF_TEXTREL),
          "its code has to be relocated: compile with -fPIC");
}

#define FROM "docs/abi.md: Finding and loading"
static const struct check_test tests[] = {
    {"shared-object", "a plugin is one shared object for this machine", "docs/abi.md",
     CT_FILE | CT_GATE, NULL, is_shared_object},
    {"has-symbol", "a plugin exports " EXPORT, "plugin.h: tn_plugin_v1", CT_FILE | CT_GATE, NULL,
     has_symbol},
    {"one-export", "a plugin exports nothing but " EXPORT, FROM, CT_FILE, NULL, exports_one},
    {"libraries", "a plugin needs libc, libm, libgcc and declared libraries only", FROM, CT_FILE,
     NULL, needs_declared},
    {"no-host-symbol", "undefined symbols come from the libraries, none from the host", FROM,
     CT_FILE, NULL, symbols_of_libraries},
    {"no-constructor", "loading runs nothing", FROM, CT_FILE, NULL, no_constructors},
    {"no-thread-local", "no thread-local storage", FROM, CT_FILE, NULL, no_tls},
    {"no-writable-global", "no writable global: several machines share a process", FROM, CT_FILE,
     NULL, no_writable},
    {"relro-now", "RELRO and immediate binding", FROM, CT_FILE, NULL, relro_now},
    {"no-exec-stack", "no executable stack and nothing writable that is executable", FROM, CT_FILE,
     NULL, no_exec_stack},
    {"no-text-relocation", "no text relocation", FROM, CT_FILE, NULL, no_textrel},
    {0},
};

const struct check_group group_file = {"file", tests};
