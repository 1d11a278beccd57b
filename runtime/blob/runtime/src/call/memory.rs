//! The global allocator of the blob.
//!
//! The host's allocator is reached by a call that leaves Wasm, which costs several times what serving it does. So small blocks are
//! cut here from a few large blocks of the host's, the arenas: powers of two from 16 to 4,096 bytes, each size with a list of its
//! released blocks. What is larger, and everything once the last arena is full, goes to the host as without this module. Buffers
//! that the host made (results of host functions) are recognised by their address and go back to it.

use alloc::alloc::Layout;
use core::ptr::null_mut;

/// Sizes of blocks are powers of two from this on. Each block is aligned to it too.
const SMALLEST: usize = 16;
/// The largest block cut from the arena.
const LARGEST: usize = 4_096;
/// Number of sizes.
const SIZES: usize = LARGEST.ilog2() as usize - SMALLEST.ilog2() as usize + 1;
/// Sizes of the arenas, in the order in which they are reserved. A transfer needs 5 KiB, so its memory stays within few pages, which
/// the host has to clear after it; the end of a full block needs the last ones.
const ARENAS: [usize; 4] = [8 << 10, 32 << 10, 128 << 10, 512 << 10];

/// Where memory comes from.
pub trait Source {
    /// Reserves that many bytes, at an address that is a multiple of 8.
    fn reserve(&self, size: usize) -> *mut u8;
    /// Releases what `reserve` gave, or the host by itself.
    fn release(&self, at: *mut u8);
}

/// A list of free blocks of one size, linked through their first bytes.
#[derive(Clone, Copy)]
struct Free(*mut Free);

/// A block of the host's from which smaller ones are cut.
#[derive(Clone, Copy)]
struct Arena {
    begin: *mut u8,
    end: *mut u8,
}

/// The arenas and their free blocks.
pub struct Memory<S> {
    source: S,
    free: [*mut Free; SIZES],
    arenas: [Arena; ARENAS.len()],
    /// How many are reserved.
    opened: usize,
    /// The rest of the last one.
    rest: Arena,
}

/// Which of the sizes a layout needs; None if it is not cut from the arena.
fn size_of(layout: &Layout) -> Option<usize> {
    let need = layout.size().max(SMALLEST);
    if need > LARGEST || layout.align() > SMALLEST {
        return None;
    }
    Some((need - 1).ilog2() as usize + 1 - SMALLEST.ilog2() as usize)
}

const fn bytes_of(size: usize) -> usize {
    SMALLEST << size
}

impl<S: Source> Memory<S> {
    /// No memory yet: an arena is reserved when it is first needed.
    pub const fn new(source: S) -> Self {
        const NONE: Arena = Arena { begin: null_mut(), end: null_mut() };
        Self { source, free: [null_mut(); SIZES], arenas: [NONE; ARENAS.len()], opened: 0, rest: NONE }
    }

    /// Reserves a block.
    ///
    /// # Safety
    ///
    /// As of [`GlobalAlloc::alloc`](alloc::alloc::GlobalAlloc::alloc).
    pub unsafe fn reserve(&mut self, layout: Layout) -> *mut u8 {
        match size_of(&layout) {
            Some(size) => self.cut(size, layout),
            None => self.reserve_outside(layout),
        }
    }

    /// Releases a block. Buffers that the host made come here too.
    ///
    /// # Safety
    ///
    /// As of [`GlobalAlloc::dealloc`](alloc::alloc::GlobalAlloc::dealloc).
    pub unsafe fn release(&mut self, at: *mut u8, layout: Layout) {
        if !self.holds(at) {
            return self.release_outside(at, layout);
        }
        if let Some(size) = size_of(&layout) {
            let block = at.cast::<Free>();
            *block = Free(self.free[size]);
            self.free[size] = block;
        }
    }

    /// Whether a block is large enough for another size as it is.
    pub fn has_room(&self, at: *mut u8, layout: Layout, new_size: usize) -> bool {
        self.holds(at) && size_of(&layout).is_some_and(|size| new_size <= bytes_of(size))
    }

    fn holds(&self, at: *mut u8) -> bool {
        self.arenas.iter().any(|arena| arena.begin <= at && at < arena.end)
    }

    unsafe fn cut(&mut self, size: usize, layout: Layout) -> *mut u8 {
        let block = self.free[size];
        if !block.is_null() {
            self.free[size] = (*block).0;
            return block.cast();
        }
        let bytes = bytes_of(size);
        while (self.rest.end as usize) - (self.rest.begin as usize) < bytes {
            if self.opened == ARENAS.len() {
                return self.reserve_outside(layout);
            }
            self.open();
        }
        let at = self.rest.begin;
        self.rest.begin = at.add(bytes);
        at
    }

    /// Reserves the next arena. What is left of the last one, less than a block, is given up.
    unsafe fn open(&mut self) {
        let len = ARENAS[self.opened];
        let at = self.source.reserve(len);
        let skip = at.align_offset(SMALLEST);
        self.rest = Arena { begin: at.add(skip), end: at.add(skip + (len - skip) / SMALLEST * SMALLEST) };
        self.arenas[self.opened] = self.rest;
        self.opened += 1;
    }

    /// An address beyond the alignment of the host's is moved up inside a larger block, which then is not released: no type of this
    /// runtime asks for one.
    unsafe fn reserve_outside(&mut self, layout: Layout) -> *mut u8 {
        if layout.align() <= HOST_ALIGN {
            return self.source.reserve(layout.size());
        }
        let at = self.source.reserve(layout.size() + layout.align());
        at.add(at.align_offset(layout.align()))
    }

    unsafe fn release_outside(&mut self, at: *mut u8, layout: Layout) {
        if layout.align() <= HOST_ALIGN {
            self.source.release(at);
        }
    }
}

/// The host's blocks stand at multiples of this.
const HOST_ALIGN: usize = 8;

#[cfg(substrate_runtime)]
mod global {
    use super::{super::Single, Layout, Memory, Source};
    use alloc::alloc::GlobalAlloc;

    struct Host;

    impl Source for Host {
        fn reserve(&self, size: usize) -> *mut u8 {
            sp_io::allocator::malloc(size as u32)
        }

        fn release(&self, at: *mut u8) {
            sp_io::allocator::free(at)
        }
    }

    struct Global(Single<Memory<Host>>);

    #[global_allocator]
    static GLOBAL: Global = Global(Single::new(Memory::new(Host)));

    // SAFETY: `Memory` keeps the rules of this trait, and calls only the host, which does not come back.
    unsafe impl GlobalAlloc for Global {
        #[inline(never)] // inside each caller the blob would be a seventh larger
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            self.0.with(|memory| memory.reserve(layout))
        }

        #[inline(never)]
        unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
            self.0.with(|memory| memory.release(at, layout))
        }

        #[inline(never)]
        unsafe fn realloc(&self, at: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
            if self.0.with(|memory| memory.has_room(at, layout, new_size)) {
                return at;
            }
            let new = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            core::ptr::copy_nonoverlapping(at, new, layout.size().min(new_size));
            self.dealloc(at, layout);
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::RefCell, collections::BTreeMap};

    /// A host whose blocks stand 8 behind a multiple of 16, like those of the node.
    #[derive(Default)]
    struct Host {
        live: RefCell<BTreeMap<usize, (Vec<u64>, usize)>>,
        releases: RefCell<usize>,
    }

    impl Source for &Host {
        fn reserve(&self, size: usize) -> *mut u8 {
            let mut block = vec![0u64; size / 8 + 4];
            let at = block.as_mut_ptr().cast::<u8>();
            // SAFETY: at most 15 bytes further, inside the block.
            let at = unsafe { at.add(at.align_offset(16) + 8) };
            self.live.borrow_mut().insert(at as usize, (block, size));
            at
        }

        fn release(&self, at: *mut u8) {
            self.live.borrow_mut().remove(&(at as usize)).expect("released what it had not reserved");
            *self.releases.borrow_mut() += 1;
        }
    }

    struct Block {
        at: *mut u8,
        layout: Layout,
        fill: u8,
    }

    fn filled(memory: &mut Memory<&Host>, size: usize, align: usize, fill: u8) -> Block {
        let layout = Layout::from_size_align(size, align).unwrap();
        // SAFETY: a block is as long as its layout.
        let at = unsafe {
            let at = memory.reserve(layout);
            at.write_bytes(fill, size);
            at
        };
        assert_eq!(at as usize % align, 0, "{size} bytes aligned to {align}");
        Block { at, layout, fill }
    }

    fn assert_untouched(block: &Block) {
        // SAFETY: as above.
        let bytes = unsafe { core::slice::from_raw_parts(block.at, block.layout.size()) };
        assert!(bytes.iter().all(|byte| *byte == block.fill), "a block of {} bytes was written to", bytes.len());
    }

    /// xorshift64
    fn random(state: &mut u64) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 16) as usize
    }

    #[test]
    fn blocks_do_not_overlap_and_are_aligned() {
        let host = Host::default();
        let mut memory = Memory::new(&host);
        let mut live: Vec<Block> = Vec::new();
        let mut seed = 0x9e37_79b9_7f4a_7c15;
        for round in 0..20_000 {
            if random(&mut seed) % 5 < 2 && !live.is_empty() {
                let block = live.swap_remove(random(&mut seed) % live.len());
                assert_untouched(&block);
                // SAFETY: it was reserved with this layout and is given up.
                unsafe { memory.release(block.at, block.layout) };
                continue;
            }
            let size = 1 + random(&mut seed) % [8, 100, 700, 6_000][random(&mut seed) % 4];
            live.push(filled(&mut memory, size, 1 << (random(&mut seed) % 6), round as u8));
        }
        live.iter().for_each(assert_untouched);
    }

    #[test]
    fn a_released_block_is_used_again() {
        let host = Host::default();
        let mut memory = Memory::new(&host);
        let first = filled(&mut memory, 33, 1, 1);
        // SAFETY: it was reserved with this layout and is given up.
        unsafe { memory.release(first.at, first.layout) };
        assert_eq!(filled(&mut memory, 64, 8, 2).at, first.at);
        assert_ne!(filled(&mut memory, 64, 8, 3).at, first.at);
        assert_eq!(host.live.borrow().len(), 1, "an arena is all that the host gave");
    }

    #[test]
    fn full_arenas_leave_the_rest_to_the_host() {
        let host = Host::default();
        let mut memory = Memory::new(&host);
        let count = 2 * ARENAS.iter().sum::<usize>() / LARGEST;
        let blocks: Vec<Block> = (0..count).map(|i| filled(&mut memory, LARGEST, 8, i as u8)).collect();
        assert!(host.live.borrow().len() > count / 2);
        for block in &blocks {
            assert_untouched(block);
            // SAFETY: it was reserved with this layout and is given up.
            unsafe { memory.release(block.at, block.layout) };
        }
        assert_eq!(host.live.borrow().len(), ARENAS.len(), "all but the arenas went back");
    }

    #[test]
    fn a_buffer_of_the_hosts_goes_back_to_it() {
        let host = Host::default();
        let mut memory = Memory::new(&host);
        filled(&mut memory, 16, 1, 0);
        let at = (&host).reserve(48);
        // SAFETY: no one uses it.
        unsafe { memory.release(at, Layout::from_size_align(48, 1).unwrap()) };
        assert_eq!(*host.releases.borrow(), 1);
    }

    #[test]
    fn a_block_grows_in_place_up_to_its_size() {
        let host = Host::default();
        let mut memory = Memory::new(&host);
        let block = filled(&mut memory, 40, 1, 0);
        for (new_size, has_room) in [(41, true), (64, true), (65, false)] {
            assert_eq!(memory.has_room(block.at, block.layout, new_size), has_room, "{new_size}");
        }
        let outside = filled(&mut memory, LARGEST + 1, 1, 0);
        assert!(!memory.has_room(outside.at, outside.layout, LARGEST + 2));
    }
}
