//! `memcpy` of the blob.
//!
//! The compiler's own for Wasm goes by 4 bytes, and byte by byte where source and destination are not aligned alike; it was an
//! eighth of the time of a transfer. Wasm may read and write 8 bytes anywhere. It is written in assembly because a function of that
//! name in Rust would become an export of the blob. Ranges do not overlap, or are the same.

core::arch::global_asm!(
    "
    .section .text.memcpy,\"\",@
    .hidden memcpy
    .globl memcpy
    .type memcpy,@function
memcpy:
    .functype memcpy (i32, i32, i32) -> (i32)
    .local i32, i32
    block
    block
    block
    # local 3: the destination as it moves
    local.get 0
    local.set 3
    local.get 2
    i32.const 32
    i32.lt_u
    br_if 0
    # 32 bytes and more: the last 32 first, then from the start in steps of 32 as far as these
    local.get 0
    local.get 2
    i32.add
    i32.const 32
    i32.sub
    local.tee 4
    local.get 1
    local.get 2
    i32.add
    i32.const 32
    i32.sub
    local.tee 2
    i64.load 0:p2align=0
    i64.store 0:p2align=0
    local.get 4
    local.get 2
    i64.load 8:p2align=0
    i64.store 8:p2align=0
    local.get 4
    local.get 2
    i64.load 16:p2align=0
    i64.store 16:p2align=0
    local.get 4
    local.get 2
    i64.load 24:p2align=0
    i64.store 24:p2align=0
    loop
    local.get 3
    local.get 1
    i64.load 0:p2align=0
    i64.store 0:p2align=0
    local.get 3
    local.get 1
    i64.load 8:p2align=0
    i64.store 8:p2align=0
    local.get 3
    local.get 1
    i64.load 16:p2align=0
    i64.store 16:p2align=0
    local.get 3
    local.get 1
    i64.load 24:p2align=0
    i64.store 24:p2align=0
    local.get 1
    i32.const 32
    i32.add
    local.set 1
    local.get 3
    i32.const 32
    i32.add
    local.tee 3
    local.get 4
    i32.lt_u
    br_if 0
    end_loop
    local.get 0
    return
    end_block
    local.get 2
    i32.const 8
    i32.lt_u
    br_if 0
    # 8 to 31 bytes: the first and the last 8, and the two inside if there are more than 16
    local.get 0
    local.get 2
    i32.add
    local.set 4
    local.get 1
    local.get 2
    i32.add
    local.set 3
    local.get 2
    i32.const 17
    i32.ge_u
    if
    local.get 0
    local.get 1
    i64.load 8:p2align=0
    i64.store 8:p2align=0
    local.get 4
    i32.const 16
    i32.sub
    local.get 3
    i32.const 16
    i32.sub
    i64.load 0:p2align=0
    i64.store 0:p2align=0
    end_if
    local.get 0
    local.get 1
    i64.load 0:p2align=0
    i64.store 0:p2align=0
    local.get 4
    i32.const 8
    i32.sub
    local.get 3
    i32.const 8
    i32.sub
    i64.load 0:p2align=0
    i64.store 0:p2align=0
    local.get 0
    return
    end_block
    local.get 2
    i32.const 4
    i32.lt_u
    br_if 0
    # 4 to 7 bytes: the first and the last 4
    local.get 0
    local.get 1
    i32.load 0:p2align=0
    i32.store 0:p2align=0
    local.get 0
    local.get 2
    i32.add
    i32.const 4
    i32.sub
    local.get 1
    local.get 2
    i32.add
    i32.const 4
    i32.sub
    i32.load 0:p2align=0
    i32.store 0:p2align=0
    local.get 0
    return
    end_block
    # 0 to 3 bytes
    block
    local.get 2
    i32.eqz
    br_if 0
    loop
    local.get 3
    local.get 1
    i32.load8_u 0
    i32.store8 0
    local.get 1
    i32.const 1
    i32.add
    local.set 1
    local.get 3
    i32.const 1
    i32.add
    local.set 3
    local.get 2
    i32.const 1
    i32.sub
    local.tee 2
    br_if 0
    end_loop
    end_block
    local.get 0
    end_function
    "
);
