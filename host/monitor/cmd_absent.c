/* SPDX-License-Identifier: BSD-2-Clause */
/* What clients ask about and this host never has: said in the words of a QEMU that was built
 * without it. What QEMU then leaves out altogether (VNC, SPICE, the GIC, TPM, Xen) is left out
 * here. */
#include "monitor.h"

#include <errno.h>

/* ---- nothing of the kind ---- */

static int none(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_LIST);
    return 0;
}

static int query_replay(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_DICT);
    ret_str(c->ret, "mode", "none");
    ret_int(c->ret, "icount", 0);
    return 0;
}

static int query_display_options(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_DICT);
    ret_str(c->ret, "type", "none");
    return 0;
}

static int query_colo_status(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_DICT);
    ret_str(c->ret, "mode", "none");
    ret_str(c->ret, "last-mode", "none");
    ret_str(c->ret, "reason", "none");
    return 0;
}

static int no_hv_balloon(struct qmp_call *c, struct tn_err *e)
{
    (void)c;
    return err_set(e, ENODEV, "No hv-balloon device has been activated");
}

static int no_sev(struct qmp_call *c, struct tn_err *e)
{
    (void)c;
    return err_set(e, ENOTSUP, "SEV is not available in this QEMU");
}

static int no_sgx(struct qmp_call *c, struct tn_err *e)
{
    (void)c;
    return err_set(e, ENOTSUP, "SGX support is not compiled in");
}

static int no_generation_id(struct qmp_call *c, struct tn_err *e)
{
    (void)c;
    return err_set(e, ENODEV, "VM Generation ID device not found");
}

/* ---- yank: nothing registers with it, as nothing here waits for a network for ever ---- */

static int yank(struct qmp_call *c, struct tn_err *e)
{
    const struct kv_node *wanted = kv_get(c->args, "instances");
    if (!wanted->n_child)
        return 0;
    const char *type = kv_text(wanted->child[0], "type");
    err_set(e, ENODEV, "Instance not found: %s", type);
    return err_class(e, "DeviceNotFound");
}

/* ---- the table ---- */

static const struct qmp_member replay[] = {
    {"mode", "ReplayMode", 0}, {"filename", "str", 1}, {"icount", "int", 0}, {0}};
static const char *const replay_modes[] = {"none", "record", "play", NULL};
static const struct qmp_member display[] = {{"type", "DisplayType", 0}, {0}};
static const char *const displays[] = {"default", "none", NULL};
static const struct qmp_member mouse[] = {
    {"name", "str", 0}, {"index", "int", 0}, {"current", "bool", 0}, {"absolute", "bool", 0}, {0}};
static const struct qmp_member pr_manager[] = {{"id", "str", 0}, {"connected", "bool", 0}, {0}};
static const struct qmp_member sev[] = {{"enabled", "bool", 0},
                                        {"api-major", "uint8", 0},
                                        {"api-minor", "uint8", 0},
                                        {"build-id", "uint8", 0},
                                        {"state", "SevState", 0},
                                        {"sev-type", "SevGuestType", 0},
                                        {0}};
static const char *const sev_types[] = {"sev", "sev-snp", NULL};
static const struct qmp_member sev_guest[] = {
    {"policy", "uint32", 0}, {"handle", "uint32", 0}, {0}};
static const struct qmp_member snp_guest[] = {{"snp-policy", "uint64", 0}, {0}};
static const struct qmp_case sev_cases[] = {{"sev", sev_guest}, {"sev-snp", snp_guest}, {0}};
static const char *const sev_states[] = {
    "uninit", "launch-update", "launch-secret", "running", "send-update", "receive-update", NULL};
static const struct qmp_member sev_capability[] = {
    {"pdh", "str", 0},     {"cert-chain", "str", 0},        {"cpu0-id", "str", 0},
    {"cbitpos", "int", 0}, {"reduced-phys-bits", "int", 0}, {0}};
static const struct qmp_member data[] = {{"data", "str", 0}, {0}};
static const struct qmp_member nonce[] = {{"mnonce", "str", 0}, {0}};
static const struct qmp_member sgx_section[] = {{"node", "int", 0}, {"size", "uint64", 0}, {0}};
static const struct qmp_member sgx[] = {{"sgx", "bool", 0},
                                        {"sgx1", "bool", 0},
                                        {"sgx2", "bool", 0},
                                        {"flc", "bool", 0},
                                        {"sections", "[SgxEpcSection]", 0},
                                        {0}};
static const struct qmp_member guid[] = {{"guid", "str", 0}, {0}};

static const struct qmp_member yank_instance[] = {{"type", "YankInstanceType", 0}, {0}};
static const char *const yank_types[] = {"block-node", "chardev", "migration", NULL};
static const struct qmp_member yank_node[] = {{"node-name", "str", 0}, {0}};
static const struct qmp_member yank_chardev[] = {{"id", "str", 0}, {0}};
static const struct qmp_case yank_cases[] = {
    {"block-node", yank_node}, {"chardev", yank_chardev}, {0}};
static const struct qmp_member yank_arg[] = {{"instances", "[YankInstance]", 0}, {0}};

static const struct qmp_member job[] = {{"id", "str", 0},
                                        {"type", "str", 0},
                                        {"status", "str", 0},
                                        {"current-progress", "int", 0},
                                        {"total-progress", "int", 0},
                                        {"error", "str", 1},
                                        {0}};
static const struct qmp_member export[] = {{"id", "str", 0},
                                           {"type", "str", 0},
                                           {"node-name", "str", 0},
                                           {"shutting-down", "bool", 0},
                                           {0}};
static const struct qmp_member tpm[] = {{"id", "str", 0}, {"model", "TpmModel", 0}, {0}};
static const char *const tpm_models[] = {"tpm-tis", "tpm-crb", NULL};
static const char *const tpm_kinds[] = {"passthrough", "emulator", NULL};
static const struct qmp_member audiodev[] = {{"id", "str", 0}, {"driver", "str", 0}, {0}};
static const struct qmp_member cryptodev[] = {{"id", "str", 0}, {0}};
static const struct qmp_member colo[] = {
    {"mode", "COLOMode", 0}, {"last-mode", "COLOMode", 0}, {"reason", "COLOExitReason", 0}, {0}};
static const char *const colo_modes[] = {"none", "primary", "secondary", NULL};
static const char *const colo_reasons[] = {"none", "request", "error", "processing", NULL};
static const struct qmp_member hv_balloon[] = {
    {"committed", "uint64", 0}, {"available", "uint64", 0}, {0}};

static const struct qmp_type types[] = {
    {"BlockJobInfo", QMP_OBJECT, job, NULL, NULL, NULL},
    {"BlockExportInfo", QMP_OBJECT, export, NULL, NULL, NULL},
    {"TPMInfo", QMP_OBJECT, tpm, NULL, NULL, NULL},
    {"TpmModel", QMP_ENUM, NULL, tpm_models, NULL, NULL},
    {"TpmType", QMP_ENUM, NULL, tpm_kinds, NULL, NULL},
    {"Audiodev", QMP_OBJECT, audiodev, NULL, NULL, NULL},
    {"QCryptodevInfo", QMP_OBJECT, cryptodev, NULL, NULL, NULL},
    {"COLOStatus", QMP_OBJECT, colo, NULL, NULL, NULL},
    {"COLOMode", QMP_ENUM, NULL, colo_modes, NULL, NULL},
    {"COLOExitReason", QMP_ENUM, NULL, colo_reasons, NULL, NULL},
    {"HvBalloonInfo", QMP_OBJECT, hv_balloon, NULL, NULL, NULL},
    {"ReplayInfo", QMP_OBJECT, replay, NULL, NULL, NULL},
    {"ReplayMode", QMP_ENUM, NULL, replay_modes, NULL, NULL},
    {"DisplayOptions", QMP_OBJECT, display, NULL, NULL, NULL},
    {"DisplayType", QMP_ENUM, NULL, displays, NULL, NULL},
    {"MouseInfo", QMP_OBJECT, mouse, NULL, NULL, NULL},
    {"PRManagerInfo", QMP_OBJECT, pr_manager, NULL, NULL, NULL},
    {"SevInfo", QMP_OBJECT, sev, NULL, "sev-type", sev_cases},
    {"SevGuestType", QMP_ENUM, NULL, sev_types, NULL, NULL},
    {"SevState", QMP_ENUM, NULL, sev_states, NULL, NULL},
    {"SevCapability", QMP_OBJECT, sev_capability, NULL, NULL, NULL},
    {"SevLaunchMeasureInfo", QMP_OBJECT, data, NULL, NULL, NULL},
    {"SevAttestationReport", QMP_OBJECT, data, NULL, NULL, NULL},
    {"query-sev-attestation-report-arg", QMP_OBJECT, nonce, NULL, NULL, NULL},
    {"SgxInfo", QMP_OBJECT, sgx, NULL, NULL, NULL},
    {"SgxEpcSection", QMP_OBJECT, sgx_section, NULL, NULL, NULL},
    {"GuidInfo", QMP_OBJECT, guid, NULL, NULL, NULL},
    {"YankInstance", QMP_OBJECT, yank_instance, NULL, "type", yank_cases},
    {"YankInstanceType", QMP_ENUM, NULL, yank_types, NULL, NULL},
    {"yank-arg", QMP_OBJECT, yank_arg, NULL, NULL, NULL},
    {0}};

static const struct qmp_command commands[] = {
    {"query-block-jobs", NULL, "[BlockJobInfo]", QMP_PRECONFIG, none, NULL},
    {"query-block-exports", NULL, "[BlockExportInfo]", QMP_PRECONFIG, none, NULL},
    {"query-tpm", NULL, "[TPMInfo]", 0, none, NULL},
    {"query-tpm-models", NULL, "[TpmModel]", 0, none, NULL},
    {"query-tpm-types", NULL, "[TpmType]", 0, none, NULL},
    {"query-audiodevs", NULL, "[Audiodev]", 0, none, NULL},
    {"query-cryptodev", NULL, "[QCryptodevInfo]", 0, none, NULL},
    {"query-colo-status", NULL, "COLOStatus", 0, query_colo_status, NULL},
    {"query-hv-balloon-status-report", NULL, "HvBalloonInfo", 0, no_hv_balloon, NULL},
    {"query-replay", NULL, "ReplayInfo", QMP_PRECONFIG, query_replay, NULL},
    {"query-display-options", NULL, "DisplayOptions", QMP_PRECONFIG, query_display_options, NULL},
    {"query-mice", NULL, "[MouseInfo]", 0, none, NULL},
    {"query-pr-managers", NULL, "[PRManagerInfo]", QMP_PRECONFIG, none, NULL},
    {"query-sev", NULL, "SevInfo", 0, no_sev, NULL},
    {"query-sev-capabilities", NULL, "SevCapability", 0, no_sev, NULL},
    {"query-sev-launch-measure", NULL, "SevLaunchMeasureInfo", 0, no_sev, NULL},
    {"query-sev-attestation-report", "query-sev-attestation-report-arg", "SevAttestationReport", 0,
     no_sev, NULL},
    {"query-sgx", NULL, "SgxInfo", 0, no_sgx, NULL},
    {"query-sgx-capabilities", NULL, "SgxInfo", 0, no_sgx, NULL},
    {"query-vm-generation-id", NULL, "GuidInfo", 0, no_generation_id, NULL},
    {"query-yank", NULL, "[YankInstance]", QMP_OOB, none, NULL},
    {"yank", "yank-arg", NULL, QMP_OOB, yank, NULL},
    {0}};

const struct qmp_module qmp_absent = {.types = types, .commands = commands};
