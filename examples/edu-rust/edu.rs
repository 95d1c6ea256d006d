// SPDX-License-Identifier: BSD-2-Clause
//! QEMU's educational PCI device as a plugin in Rust, without crates and without the standard library;
//! the same device as ../edu/edu.c, where the registers are explained. `tenon.rs` has the ABI.
//!
//! The host calls everything here with the device's lock held and never two callbacks of one device at
//! a time, so that each may have the instance as `&mut`. It allocates the instance, zeroed, and frees it.
#![no_std]

mod tenon;

use core::ffi::c_void;
use core::mem::size_of;
use core::ptr::{null, null_mut};
use tenon::*;

const ERANGE: i32 = 34;
const ENOMEM: i32 = 12;

mod reg {
    pub const ID: u64 = 0x00;
    pub const LIVENESS: u64 = 0x04;
    pub const FACTORIAL: u64 = 0x08;
    pub const STATUS: u64 = 0x20;
    pub const INT_STATUS: u64 = 0x24;
    pub const INT_RAISE: u64 = 0x60;
    pub const INT_ACK: u64 = 0x64;
    pub const DMA_SRC: u64 = 0x80;
    pub const DMA_DST: u64 = 0x88;
    pub const DMA_COUNT: u64 = 0x90;
    pub const DMA_CMD: u64 = 0x98;
}

const STATUS_COMPUTING: u32 = 0x01;
const STATUS_IRQ: u32 = 0x80;
const INT_FACTORIAL: u32 = 0x001;
const INT_DMA: u32 = 0x100;
const CMD_START: u64 = 1;
const CMD_TO_MEMORY: u64 = 2;
const CMD_IRQ: u64 = 4;
const CMD_BITS: u64 = 7;

const ID_VALUE: u64 = 0x0100_00ed;
const BAR_SIZE: u64 = 0x10_0000;
const BUFFER: u64 = 0x4_0000; // where the DMA controller sees the buffer
const BUFFER_SIZE: usize = 4096;
const DMA_NS: u64 = 100_000_000;

/// The members that tables name by offset come first: their offsets are simple sums.
#[repr(C)]
struct Edu {
    dma_mask: u64, // property
    src: u64,      // state
    dst: u64,
    count: u64,
    cmd: u64,
    liveness: u32,
    value: u32,
    status: u32,
    int_status: u32,
    buffer: [u8; BUFFER_SIZE],
    transfer: *mut Timer,
    factorial: *mut BottomHalf,
    dev: *mut Dev,
    pci: *const Pci,
    dma: *const Dma,
    event_loop: *const Loop,
    memory: *mut AddressSpace, // as this function sees it
}

const AT_WORDS: u32 = 5 * 8;
const AT_BUFFER: u32 = AT_WORDS + 4 * 4;
const AT_TRANSFER: u32 = AT_BUFFER + BUFFER_SIZE as u32;

impl Edu {
    fn intx(&self, level: u32) {
        unsafe { ((*self.pci).intx)(self.dev, level) }
    }

    /// The host hides the pin while MSI is on, and drops the message while it is off.
    fn raise(&mut self, bits: u32) {
        self.int_status |= bits;
        if self.int_status != 0 {
            self.intx(1);
            unsafe { ((*self.pci).irq)(self.dev, 0) }
        }
    }

    fn acknowledge(&mut self, bits: u32) {
        self.int_status &= !bits;
        if self.int_status == 0 {
            self.intx(0);
        }
    }

    fn start_factorial(&mut self, n: u32) {
        if self.status & STATUS_COMPUTING == 0 {
            self.value = n;
            self.status |= STATUS_COMPUTING;
            unsafe { ((*self.event_loop).kick)(self.factorial) }
        }
    }

    /// Modulo 2^32: from 34 on it is zero.
    fn compute(&mut self) {
        if self.status & STATUS_COMPUTING == 0 {
            return; // a reset came in between
        }
        let (mut product, mut n) = (1u32, self.value);
        while n > 1 && product != 0 {
            product = product.wrapping_mul(n);
            n -= 1;
        }
        self.value = product;
        self.status &= !STATUS_COMPUTING;
        if self.status & STATUS_IRQ != 0 {
            self.raise(INT_FACTORIAL);
        }
    }

    /// Moves count bytes between memory and the buffer, or nothing: what the guest asks for is checked
    /// before any of it is used.
    fn transfer(&mut self) -> i32 {
        let to_memory = self.cmd & CMD_TO_MEMORY != 0;
        let (inside, outside) = if to_memory { (self.src, self.dst) } else { (self.dst, self.src) };
        let at = inside.wrapping_sub(BUFFER);
        let addr = outside & self.dma_mask;
        let end = at.checked_add(self.count);
        let last = addr.checked_add(self.count.saturating_sub(1));
        if end.map_or(true, |e| e > BUFFER_SIZE as u64) || last.map_or(true, |l| l > self.dma_mask) {
            return -ERANGE;
        }
        unsafe {
            let p = self.buffer.as_mut_ptr().add(at as usize) as *mut c_void;
            if to_memory {
                ((*self.dma).write)(self.memory, addr, p, self.count)
            } else {
                ((*self.dma).read)(self.memory, addr, p, self.count)
            }
        }
    }

    fn end_transfer(&mut self) {
        if self.cmd & CMD_START == 0 {
            return;
        }
        if self.transfer() < 0 {
            let text = b"DMA range out of bounds\0".as_ptr();
            unsafe { ((*(*self.dev).core).guest_error)(self.dev, text) }
        }
        self.cmd &= !CMD_START;
        if self.cmd & CMD_IRQ != 0 {
            self.raise(INT_DMA);
        }
    }

    fn start_transfer(&mut self, cmd: u64) {
        if cmd & CMD_START != 0 && self.cmd & CMD_START == 0 {
            self.cmd = cmd & CMD_BITS;
            unsafe {
                let now = ((*self.event_loop).now)(self.dev, CLK_VM);
                ((*self.event_loop).arm)(self.transfer, now.wrapping_add(DMA_NS))
            }
        }
    }

    fn read(&self, off: u64) -> u64 {
        match off {
            reg::ID => ID_VALUE,
            reg::LIVENESS => self.liveness.into(),
            reg::FACTORIAL => self.value.into(),
            reg::STATUS => self.status.into(),
            reg::INT_STATUS => self.int_status.into(),
            reg::DMA_SRC => self.src,
            reg::DMA_DST => self.dst,
            reg::DMA_COUNT => self.count,
            reg::DMA_CMD => self.cmd,
            _ => !0,
        }
    }

    fn write(&mut self, off: u64, v: u64) {
        let idle = self.cmd & CMD_START == 0; // the DMA registers hold still during a transfer
        match off {
            reg::LIVENESS => self.liveness = !(v as u32),
            reg::FACTORIAL => self.start_factorial(v as u32),
            reg::STATUS => self.status = self.status & STATUS_COMPUTING | v as u32 & STATUS_IRQ,
            reg::INT_RAISE => self.raise(v as u32),
            reg::INT_ACK => self.acknowledge(v as u32),
            reg::DMA_SRC if idle => self.src = v,
            reg::DMA_DST if idle => self.dst = v,
            reg::DMA_COUNT if idle => self.count = v,
            reg::DMA_CMD => self.start_transfer(v),
            _ => {}
        }
    }
}

// ---- what the host calls

/// Safety of all callbacks: s is the instance, and the device's lock is held.
unsafe fn edu<'a>(s: *mut c_void) -> &'a mut Edu {
    &mut *(s as *mut Edu)
}

fn is_valid(off: u64, size: u32) -> bool {
    size == 4 || off >= reg::DMA_SRC
}

unsafe extern "C" fn bar_read(s: *mut c_void, off: u64, size: u32) -> u64 {
    if is_valid(off, size) { edu(s).read(off) } else { !0 }
}

unsafe extern "C" fn bar_write(s: *mut c_void, off: u64, v: u64, size: u32) {
    if is_valid(off, size) {
        edu(s).write(off, v)
    }
}

unsafe extern "C" fn on_compute(s: *mut c_void) {
    edu(s).compute()
}

unsafe extern "C" fn on_transfer(s: *mut c_void) {
    edu(s).end_transfer()
}

unsafe extern "C" fn init(s: *mut c_void, d: *mut Dev) -> i32 {
    edu(s).dev = d;
    0
}

/// Returns at the first error and cleans nothing up: what was taken, the host gives back.
unsafe extern "C" fn realize(s: *mut c_void, e: *mut Err) -> i32 {
    let me = edu(s);
    me.pci = get(me.dev, b"tenon.pci/1\0");
    me.dma = get(me.dev, b"tenon.dma/1\0");
    me.event_loop = get(me.dev, b"tenon.loop/1\0");
    me.memory = ((*me.pci).dma)(me.dev, NO_PASID);
    me.factorial = ((*me.event_loop).bh)(me.dev, null_mut(), 0, on_compute, s);
    me.transfer = ((*me.event_loop).timer)(me.dev, null_mut(), 0, CLK_VM, on_transfer, s);
    if me.factorial.is_null() || me.transfer.is_null() {
        let (file, text) = (b"edu.rs\0".as_ptr(), b"no memory for a timer\0".as_ptr());
        ((*(*me.dev).core).fail)(e, ENOMEM, file, line!() as i32, text);
        return -ENOMEM;
    }
    let r = ((*me.pci).msi)(me.dev, 0, 1, MSI_64, e);
    if r < 0 {
        return r;
    }
    ((*me.pci).bar)(me.dev, 0, BAR_MEM32, BAR_SIZE, &BAR_OPS, s, e)
}

unsafe extern "C" fn reset(s: *mut c_void, _kind: u32, phase: u32) {
    let me = edu(s);
    if phase != RESET_HOLD {
        return;
    }
    ((*me.event_loop).disarm)(me.transfer);
    me.src = 0;
    me.dst = 0;
    me.count = 0;
    me.cmd = 0;
    me.liveness = 0;
    me.value = 0;
    me.status = 0;
    me.int_status = 0;
    me.buffer = [0; BUFFER_SIZE];
    me.intx(0);
}

unsafe extern "C" fn post_load(s: *mut c_void, _version: u32, _e: *mut Err) -> i32 {
    let me = edu(s);
    me.intx((me.int_status != 0) as u32);
    if me.status & STATUS_COMPUTING != 0 {
        ((*me.event_loop).kick)(me.factorial)
    }
    0
}

// ---- what the host reads without running anything

const fn field(name: &'static [u8], kind: u32, offset: u32, count: u32) -> Field {
    Field {
        name: name.as_ptr(), kind, offset, count, since: 0, sub: null(), stride: 0, max: 0, flags: 0,
        reserved: 0,
    }
}

static FIELDS: Table<[Field; 10]> = Table([
    field(b"src\0", S_U64, 8, 1),
    field(b"dst\0", S_U64, 16, 1),
    field(b"count\0", S_U64, 24, 1),
    field(b"cmd\0", S_U64, 32, 1),
    field(b"liveness\0", S_U32, AT_WORDS, 1),
    field(b"value\0", S_U32, AT_WORDS + 4, 1),
    field(b"status\0", S_U32, AT_WORDS + 8, 1),
    field(b"int_status\0", S_U32, AT_WORDS + 12, 1),
    field(b"buffer\0", S_BYTES, AT_BUFFER, BUFFER_SIZE as u32),
    field(b"transfer\0", S_TIMER, AT_TRANSFER, 1),
]);

static STATE: Table<State> = Table(State {
    struct_size: size_of::<State>() as u32,
    version: 1,
    min_version: 1,
    flags: 0,
    name: b"edu\0".as_ptr(),
    fields: &FIELDS.0 as *const Field,
    nfields: 10,
    field_stride: size_of::<Field>() as u32,
    subsections: null(),
    needed: None,
    pre_save: None,
    post_load: Some(post_load),
    save: None,
    load: None,
});

static PROPS: Table<[Prop; 1]> = Table([Prop {
    name: b"dma_mask\0".as_ptr(),
    help: b"address bits that DMA reaches\0".as_ptr(),
    kind: P_U64,
    flags: 0,
    offset: 0,
    size: 8,
    bit: 0,
    since: 0,
    defval: 0x0fff_ffff,
    min: 0,
    max: 0,
    defstr: null(),
    names: null(),
    sub: null(),
    nsub: 0,
    sub_stride: 0,
}]);

static BAR_OPS: RegionOps = RegionOps {
    struct_size: size_of::<RegionOps>() as u32,
    flags: 0,
    valid_min: 4,
    valid_max: 8,
    impl_min: 0,
    impl_max: 0,
    read: Some(bar_read),
    write: Some(bar_write),
};

static PCI_OPS: PciOps = PciOps {
    struct_size: size_of::<PciOps>() as u32,
    flags: PCIF_CONVENTIONAL,
    vendor: 0x1234,
    device: 0x11e8,
    subvendor: 0,
    subsystem: 0,
    class_rev: 0x00ff_0010, // unclassified, revision 0x10
    int_pin: 1,
    config_written: None,
    msix_mask: None,
    bar_moved: None,
    irq_mode: None,
    config_read: None,
    config_write: None,
};

static EDU: Table<Class> = Table(Class {
    struct_size: size_of::<Class>() as u32,
    flags: C_HOTPLUG,
    kind: 0,
    category: 0,
    name: b"edu\0".as_ptr(),
    desc: b"educational PCI device (example in Rust)\0".as_ptr(),
    aliases: null(),
    bus: b"PCI\0".as_ptr(),
    provides: null(),
    forward: null(),
    data: null(),
    instance_size: size_of::<Edu>() as u64,
    props: &PROPS.0 as *const Prop,
    nprops: 1,
    prop_stride: size_of::<Prop>() as u32,
    state: &STATE.0,
    bus_ops: &PCI_OPS as *const PciOps as *const c_void,
    init: Some(init),
    realize: Some(realize),
    reset: Some(reset),
    quiesce: None,
    resume: None,
    unplug_request: None,
    unrealize: None,
    fini: None,
    prop_changed: None,
    get_iface: None,
});

static CLASSES: Table<[*const Class; 2]> = Table([&EDU.0, null()]);
static NEEDS: Table<[Text; 4]> = Table([
    b"tenon.dma/1\0".as_ptr(),
    b"tenon.loop/1\0".as_ptr(),
    b"tenon.pci/1\0".as_ptr(),
    null(),
]);

#[no_mangle]
pub static tn_plugin_v1: Table<Plugin> = Table(Plugin {
    struct_size: size_of::<Plugin>() as u32,
    abi_major: ABI_MAJOR,
    abi_minor: ABI_MINOR,
    min_host_minor: 0,
    flags: 0,
    id: b"edu-example-rust\0".as_ptr(),
    version: b"1.0\0".as_ptr(),
    license: b"BSD-2-Clause\0".as_ptr(),
    summary: b"educational PCI device (example in Rust)\0".as_ptr(),
    classes: &CLASSES.0 as *const *const Class,
    buses: null(),
    commands: null(),
    needs: &NEEDS.0 as *const Text,
    wants: null(),
    composes: null(),
    sandbox: null(),
});

/// Nothing above can panic: no index, no unwrap, arithmetic that is checked or wraps. The optimizer finds
/// so too: the finished file does not even refer to abort().
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    extern "C" {
        fn abort() -> !;
    }
    unsafe { abort() }
}
