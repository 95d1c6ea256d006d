// SPDX-License-Identifier: BSD-2-Clause
// QEMU's educational PCI device as a plugin in C++17, built from the installed headers alone; the
// same device as ../edu/edu.c, where the registers are explained.
//
// The host allocates the instance, zeroed, and calls no constructor: Edu is a plain struct with
// member functions. The tables are constexpr, so that the file needs no code to be loaded; no
// exception, no RTTI, nothing of the C++ library's run time.
#include <cerrno>
#include <cstring>
#include <tenon/dma.h>
#include <tenon/loop.h>
#include <tenon/pci.h>
#include <tenon/plugin.h>
#include <type_traits>

namespace
{

namespace reg
{
constexpr uint64_t id = 0x00, liveness = 0x04, factorial = 0x08, status = 0x20;
constexpr uint64_t int_status = 0x24, int_raise = 0x60, int_ack = 0x64;
constexpr uint64_t dma_src = 0x80, dma_dst = 0x88, dma_count = 0x90, dma_cmd = 0x98;
} // namespace reg

constexpr uint32_t status_computing = 0x01, status_irq = 0x80;
constexpr uint32_t int_factorial = 0x001, int_dma = 0x100;
constexpr uint64_t cmd_start = 1, cmd_to_memory = 2, cmd_irq = 4, cmd_bits = 7;

constexpr uint32_t id_value = 0x010000ed;
constexpr uint64_t bar_size = 0x100000;
constexpr uint64_t buffer_at = 0x40000; // where the DMA controller sees the buffer
constexpr uint64_t transfer_ns = 100'000'000;
constexpr uint64_t ones = ~uint64_t{0};

struct Edu {
    tn_dev *dev;
    const tn_pci *pci;
    const tn_dma *dma;
    const tn_loop *loop;
    tn_as *memory; // as this function sees it
    tn_bh *computation;
    tn_timer *transfer;
    uint64_t dma_mask; // property
    // state
    uint64_t src, dst, count, cmd;
    uint32_t liveness, value, status, int_status;
    uint8_t buffer[4096];

    int init(tn_dev *d);
    int realize(tn_err *e);
    void reset(uint32_t kind, uint32_t phase);
    int post_load(uint32_t version, tn_err *e);
    uint64_t read(uint64_t off, uint32_t size);
    void write(uint64_t off, uint64_t v, uint32_t size);
    void compute();
    void end_transfer();

  private:
    void raise(uint32_t bits);
    void acknowledge(uint32_t bits);
    void start_factorial(uint32_t n);
    void start_transfer(uint64_t command);
    int move();
};
static_assert(std::is_trivial_v<Edu> && std::is_standard_layout_v<Edu>,
              "the host makes it from zeroed memory");

// A C function for a member function: thunk<&Edu::read> takes the instance first.
template <auto M> struct Thunk;
template <class R, class... A, R (Edu::*M)(A...)> struct Thunk<M> {
    static R call(void *self, A... a)
    {
        return (static_cast<Edu *>(self)->*M)(a...);
    }
};
template <auto M> constexpr auto thunk = &Thunk<M>::call;

// ---- interrupts: the host hides the pin while MSI is on, and drops the message while it is off

void Edu::raise(uint32_t bits)
{
    int_status |= bits;
    if (!int_status)
        return;
    pci->intx(dev, 1);
    pci->irq(dev, 0);
}

void Edu::acknowledge(uint32_t bits)
{
    int_status &= ~bits;
    if (!int_status)
        pci->intx(dev, 0);
}

// ---- factorial, modulo 2^32

void Edu::start_factorial(uint32_t n)
{
    if (status & status_computing)
        return;
    value = n;
    status |= status_computing;
    loop->kick(computation);
}

void Edu::compute()
{
    if (!(status & status_computing)) // a reset came in between
        return;
    uint32_t product = 1;
    for (uint32_t n = value; n > 1 && product; n--)
        product *= n;
    value = product;
    status &= ~status_computing;
    if (status & status_irq)
        raise(int_factorial);
}

// ---- DMA: what the guest asks for is checked before any of it is used

int Edu::move()
{
    const bool to_memory = cmd & cmd_to_memory;
    const uint64_t at = (to_memory ? src : dst) - buffer_at;
    const uint64_t addr = (to_memory ? dst : src) & dma_mask;
    if (at > sizeof buffer || count > sizeof buffer - at)
        return -ERANGE;
    if (count && (count - 1 > dma_mask || addr > dma_mask - (count - 1)))
        return -ERANGE;
    return to_memory ? dma->write(memory, addr, buffer + at, count)
                     : dma->read(memory, addr, buffer + at, count);
}

void Edu::end_transfer()
{
    if (!(cmd & cmd_start))
        return;
    if (move() < 0)
        dev->core->guest_error(dev, "DMA range out of bounds");
    cmd &= ~cmd_start;
    if (cmd & cmd_irq)
        raise(int_dma);
}

void Edu::start_transfer(uint64_t command)
{
    if (!(command & cmd_start) || (cmd & cmd_start))
        return;
    cmd = command & cmd_bits;
    loop->arm(transfer, loop->now(dev, TN_CLK_VM) + transfer_ns);
}

// ---- BAR 0: 4 bytes, from dma_src on also 8

constexpr bool is_valid(uint64_t off, uint32_t size)
{
    return size == 4 || off >= reg::dma_src;
}

uint64_t Edu::read(uint64_t off, uint32_t size)
{
    if (!is_valid(off, size))
        return ones;
    switch (off) {
    case reg::id:
        return id_value;
    case reg::liveness:
        return liveness;
    case reg::factorial:
        return value;
    case reg::status:
        return status;
    case reg::int_status:
        return int_status;
    case reg::dma_src:
        return src;
    case reg::dma_dst:
        return dst;
    case reg::dma_count:
        return count;
    case reg::dma_cmd:
        return cmd;
    default:
        return ones;
    }
}

void Edu::write(uint64_t off, uint64_t v, uint32_t size)
{
    const bool busy = cmd & cmd_start; // the DMA registers hold still meanwhile
    const auto low = static_cast<uint32_t>(v);
    if (!is_valid(off, size))
        return;
    switch (off) {
    case reg::liveness:
        liveness = ~low;
        break;
    case reg::factorial:
        start_factorial(low);
        break;
    case reg::status:
        status = (status & status_computing) | (low & status_irq);
        break;
    case reg::int_raise:
        raise(low);
        break;
    case reg::int_ack:
        acknowledge(low);
        break;
    case reg::dma_src:
        src = busy ? src : v;
        break;
    case reg::dma_dst:
        dst = busy ? dst : v;
        break;
    case reg::dma_count:
        count = busy ? count : v;
        break;
    case reg::dma_cmd:
        start_transfer(v);
        break;
    }
}

constexpr tn_region_ops make_bar_ops()
{
    tn_region_ops o{};
    o.struct_size = sizeof o;
    o.valid_min = 4;
    o.valid_max = 8;
    o.read = thunk<&Edu::read>;
    o.write = thunk<&Edu::write>;
    return o;
}
constexpr tn_region_ops bar_ops = make_bar_ops();

// ---- life

int Edu::init(tn_dev *d)
{
    dev = d;
    return 0;
}

// Returns at the first error and cleans nothing up: what was taken, the host gives back.
int Edu::realize(tn_err *e)
{
    pci = TN_GET(dev, tn_pci, TN_PCI_1);
    dma = TN_GET(dev, tn_dma, TN_DMA_1);
    loop = TN_GET(dev, tn_loop, TN_LOOP_1);
    memory = pci->dma(dev, TN_NO_PASID);
    computation = loop->bh(dev, nullptr, 0, thunk<&Edu::compute>, this);
    transfer = loop->timer(dev, nullptr, 0, TN_CLK_VM, thunk<&Edu::end_transfer>, this);
    if (!computation || !transfer)
        return tn_fail(dev, e, ENOMEM, "no memory for a timer");
    const int r = pci->msi(dev, 0, 1, TN_MSI_64, e);
    return r < 0 ? r : pci->bar(dev, 0, TN_BAR_MEM32, bar_size, &bar_ops, this, e);
}

void Edu::reset(uint32_t, uint32_t phase)
{
    if (phase != TN_RESET_HOLD)
        return;
    loop->disarm(transfer);
    src = dst = count = cmd = 0;
    liveness = value = status = int_status = 0;
    std::memset(buffer, 0, sizeof buffer);
    pci->intx(dev, 0);
}

int Edu::post_load(uint32_t, tn_err *)
{
    pci->intx(dev, int_status != 0);
    if (status & status_computing)
        loop->kick(computation);
    return 0;
}

// ---- what the host reads without running anything

constexpr tn_field fields[] = {
    TN_FIELD(Edu, src, U64),        TN_FIELD(Edu, dst, U64),
    TN_FIELD(Edu, count, U64),      TN_FIELD(Edu, cmd, U64),
    TN_FIELD(Edu, liveness, U32),   TN_FIELD(Edu, value, U32),
    TN_FIELD(Edu, status, U32),     TN_FIELD(Edu, int_status, U32),
    TN_FIELD(Edu, transfer, TIMER), TN_FIELD_ARRAY(Edu, buffer, BYTES),
};

constexpr tn_state make_state()
{
    tn_state s{};
    s.struct_size = sizeof s;
    s.version = s.min_version = 1;
    s.name = "edu";
    s.fields = fields;
    s.nfields = std::extent_v<decltype(fields)>;
    s.field_stride = sizeof fields[0];
    s.post_load = thunk<&Edu::post_load>;
    return s;
}
constexpr tn_state state = make_state();

const tn_prop props[] = {
    TN_PROP(Edu, dma_mask, "dma_mask", U64, 0x0fffffff, "address bits that DMA reaches"),
};

constexpr tn_pci_ops make_pci_ops()
{
    tn_pci_ops o{};
    o.struct_size = sizeof o;
    o.flags = TN_PCIF_CONVENTIONAL;
    o.vendor = 0x1234;
    o.device = 0x11e8;
    o.class_rev = 0x00ff0010; // unclassified, revision 0x10
    o.int_pin = 1;
    return o;
}
constexpr tn_pci_ops pci_ops = make_pci_ops();

constexpr tn_class make_class()
{
    tn_class c{};
    c.struct_size = sizeof c;
    c.flags = TN_C_HOTPLUG;
    c.kind = TN_K_DEVICE;
    c.category = TN_CAT_MISC;
    c.name = "edu";
    c.desc = "educational PCI device (example in C++)";
    c.bus = TN_PCI_BUS;
    c.instance_size = sizeof(Edu);
    c.props = props;
    c.nprops = std::extent_v<decltype(props)>;
    c.prop_stride = sizeof props[0];
    c.state = &state;
    c.bus_ops = &pci_ops;
    c.init = thunk<&Edu::init>;
    c.realize = thunk<&Edu::realize>;
    c.reset = thunk<&Edu::reset>;
    return c;
}
constexpr tn_class edu = make_class();

constexpr const tn_class *classes[] = {&edu, nullptr};
constexpr const char *needs[] = {TN_DMA_1, TN_LOOP_1, TN_PCI_1, nullptr};

constexpr tn_plugin make_plugin()
{
    tn_plugin p{};
    p.struct_size = sizeof p;
    p.abi_major = TN_ABI_MAJOR;
    p.abi_minor = TN_ABI_MINOR;
    p.id = "edu-example-cxx";
    p.version = "1.0";
    p.license = "BSD-2-Clause";
    p.summary = "educational PCI device (example in C++)";
    p.classes = classes;
    p.needs = needs;
    return p;
}

} // namespace

constexpr tn_plugin tn_plugin_v1 = make_plugin();
