// SPDX-License-Identifier: BSD-2-Clause
//! The part of Tenon's plugin ABI that `edu.rs` uses, as Rust types. Layouts and meanings are those of
//! the headers (tenon/*.h). A function of a table that is not used here is an `Unused`: it keeps its place.

use core::ffi::c_void;

pub type Text = *const u8; // NUL-terminated UTF-8
pub type Unused = Option<unsafe extern "C" fn()>;

/// Opaque handles of the host.
pub enum Err {}
pub enum AddressSpace {}
pub enum Timer {}
pub enum BottomHalf {}

pub const ABI_MAJOR: u16 = 1;
pub const ABI_MINOR: u16 = 0;

// ---- core.h

#[repr(C)]
pub struct Host {
    pub struct_size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub name: Text,
    pub version: Text,
    pub get: unsafe extern "C" fn(h: *const Host, id: Text) -> *const c_void,
}

#[repr(C)]
pub struct Dev {
    pub host: *const Host,
    pub core: *const Core,
    pub cls: *const Class,
    pub this: *mut c_void,
}

/// tn_core, as far as the last function that is used; the rest is behind it.
#[repr(C)]
pub struct Core {
    pub struct_size: u32,
    pub rev: u32,
    pub fail: unsafe extern "C" fn(e: *mut Err, err: i32, file: Text, line: i32, fmt: Text, ...),
    pub hint: Unused,
    pub guest_error: unsafe extern "C" fn(d: *mut Dev, fmt: Text, ...),
}

// ---- region.h

#[repr(C)]
pub struct RegionOps {
    pub struct_size: u32,
    pub flags: u32,
    pub valid_min: u32,
    pub valid_max: u32,
    pub impl_min: u32,
    pub impl_max: u32,
    pub read: Option<unsafe extern "C" fn(s: *mut c_void, off: u64, size: u32) -> u64>,
    pub write: Option<unsafe extern "C" fn(s: *mut c_void, off: u64, v: u64, size: u32)>,
}

// ---- loop.h

pub const CLK_VM: u32 = 1;
pub type Callback = unsafe extern "C" fn(s: *mut c_void);

#[repr(C)]
pub struct Loop {
    pub struct_size: u32,
    pub rev: u32,
    pub now: unsafe extern "C" fn(d: *mut Dev, clk: u32) -> u64,
    pub timer: unsafe extern "C" fn(
        d: *mut Dev,
        ctx: *mut c_void,
        flags: u32,
        clk: u32,
        f: Callback,
        s: *mut c_void,
    ) -> *mut Timer,
    pub arm: unsafe extern "C" fn(t: *mut Timer, ns: u64),
    pub disarm: unsafe extern "C" fn(t: *mut Timer),
    pub fd: Unused,
    pub fd_mask: Unused,
    pub bh: unsafe extern "C" fn(
        d: *mut Dev,
        ctx: *mut c_void,
        flags: u32,
        f: Callback,
        s: *mut c_void,
    ) -> *mut BottomHalf,
    pub kick: unsafe extern "C" fn(b: *mut BottomHalf),
}

// ---- dma.h

#[repr(C)]
pub struct Dma {
    pub struct_size: u32,
    pub rev: u32,
    pub read:
        unsafe extern "C" fn(a: *mut AddressSpace, iova: u64, buf: *mut c_void, len: u64) -> i32,
    pub write:
        unsafe extern "C" fn(a: *mut AddressSpace, iova: u64, buf: *const c_void, len: u64) -> i32,
}

// ---- pci.h

pub const PCIF_CONVENTIONAL: u32 = 2;
pub const BAR_MEM32: u32 = 2;
pub const MSI_64: u32 = 1;
pub const NO_PASID: u32 = 0xffff_ffff;

#[repr(C)]
pub struct PciOps {
    pub struct_size: u32,
    pub flags: u32,
    pub vendor: u16,
    pub device: u16,
    pub subvendor: u16,
    pub subsystem: u16,
    pub class_rev: u32,
    pub int_pin: u32,
    pub config_written: Unused,
    pub msix_mask: Unused,
    pub bar_moved: Unused,
    pub irq_mode: Unused,
    pub config_read: Unused,
    pub config_write: Unused,
}

#[repr(C)]
pub struct Pci {
    pub struct_size: u32,
    pub rev: u32,
    pub bar: unsafe extern "C" fn(
        d: *mut Dev,
        n: u32,
        kind: u32,
        size: u64,
        ops: *const RegionOps,
        s: *mut c_void,
        e: *mut Err,
    ) -> i32,
    pub bar_mmap: Unused,
    pub bar_ioeventfd: Unused,
    pub cap: Unused,
    pub ext_cap: Unused,
    pub msix: Unused,
    pub msi: unsafe extern "C" fn(d: *mut Dev, at: u32, n: u32, flags: u32, e: *mut Err) -> i32,
    pub irq: unsafe extern "C" fn(d: *mut Dev, vec: u32),
    pub intx: unsafe extern "C" fn(d: *mut Dev, level: u32),
    pub irqfd: Unused,
    pub irqfd_adopt: Unused,
    pub intx_fd: Unused,
    pub sriov: Unused,
    pub vf_info: Unused,
    pub dma: unsafe extern "C" fn(d: *mut Dev, pasid: u32) -> *mut AddressSpace,
}

// ---- prop.h, state.h

pub const P_U64: u32 = 6;

#[repr(C)]
pub struct Prop {
    pub name: Text,
    pub help: Text,
    pub kind: u32,
    pub flags: u32,
    pub offset: u32,
    pub size: u32,
    pub bit: u32,
    pub since: u32,
    pub defval: u64,
    pub min: u64,
    pub max: u64,
    pub defstr: Text,
    pub names: *const Text,
    pub sub: *const Prop,
    pub nsub: u32,
    pub sub_stride: u32,
}

pub const S_U32: u32 = 3;
pub const S_U64: u32 = 4;
pub const S_BYTES: u32 = 6;
pub const S_TIMER: u32 = 7;

#[repr(C)]
pub struct Field {
    pub name: Text,
    pub kind: u32,
    pub offset: u32,
    pub count: u32,
    pub since: u32,
    pub sub: *const State,
    pub stride: u32,
    pub max: u32,
    pub flags: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct State {
    pub struct_size: u32,
    pub version: u32,
    pub min_version: u32,
    pub flags: u32,
    pub name: Text,
    pub fields: *const Field,
    pub nfields: u32,
    pub field_stride: u32,
    pub subsections: *const *const State,
    pub needed: Unused,
    pub pre_save: Unused,
    pub post_load:
        Option<unsafe extern "C" fn(s: *mut c_void, version: u32, e: *mut Err) -> i32>,
    pub save: Unused,
    pub load: Unused,
}

// ---- class.h, plugin.h

pub const C_HOTPLUG: u32 = 2;
pub const RESET_HOLD: u32 = 2;

#[repr(C)]
pub struct Class {
    pub struct_size: u32,
    pub flags: u32,
    pub kind: u32,
    pub category: u32,
    pub name: Text,
    pub desc: Text,
    pub aliases: *const Text,
    pub bus: Text,
    pub provides: *const Text,
    pub forward: *const Text,
    pub data: *const c_void,
    pub instance_size: u64,
    pub props: *const Prop,
    pub nprops: u32,
    pub prop_stride: u32,
    pub state: *const State,
    pub bus_ops: *const c_void,
    pub init: Option<unsafe extern "C" fn(s: *mut c_void, d: *mut Dev) -> i32>,
    pub realize: Option<unsafe extern "C" fn(s: *mut c_void, e: *mut Err) -> i32>,
    pub reset: Option<unsafe extern "C" fn(s: *mut c_void, kind: u32, phase: u32)>,
    pub quiesce: Unused,
    pub resume: Unused,
    pub unplug_request: Unused,
    pub unrealize: Unused,
    pub fini: Unused,
    pub prop_changed: Unused,
    pub get_iface: Unused,
}

#[repr(C)]
pub struct Plugin {
    pub struct_size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub min_host_minor: u32,
    pub flags: u32,
    pub id: Text,
    pub version: Text,
    pub license: Text,
    pub summary: Text,
    pub classes: *const *const Class,
    pub buses: *const c_void,
    pub commands: *const c_void,
    pub needs: *const Text,
    pub wants: *const Text,
    pub composes: *const c_void,
    pub sandbox: *const Text,
}

/// Constant data with pointers to constant data: any thread may read it.
#[repr(transparent)]
pub struct Table<T>(pub T);
unsafe impl<T> Sync for Table<T> {}

/// The host's table of type T for id, which ends with a NUL.
///
/// # Safety
/// d is a live instance, and T is the type that id stands for.
pub unsafe fn get<T>(d: *mut Dev, id: &'static [u8]) -> *const T {
    let host = (*d).host;
    ((*host).get)(host, id.as_ptr()) as *const T
}
