;; A blob that runs a script of storage calls in one blob call.
;;
;; The input is a count (u64) and then that many steps of three u64: the operation and its two arguments. Pointers are relative
;; to the input; bit 32 and up of a fat pointer are its length. The result of a step replaces its operation: for a read, an
;; FNV-1a hash of the answer. The output is the whole input.
(module
  (import "env" "memory" (memory 2))
  (import "env" "ext_storage_get_version_1" (func $get (param i64) (result i64)))
  (import "env" "ext_storage_set_version_1" (func $set (param i64 i64)))
  (import "env" "ext_storage_clear_version_1" (func $clear (param i64)))
  (import "env" "ext_storage_append_version_1" (func $append (param i64 i64)))
  (import "env" "ext_storage_clear_prefix_version_1" (func $clear_prefix (param i64)))
  (import "env" "ext_storage_start_transaction_version_1" (func $start))
  (import "env" "ext_storage_commit_transaction_version_1" (func $commit))
  (import "env" "ext_storage_rollback_transaction_version_1" (func $rollback))
  (import "env" "ext_allocator_free_version_1" (func $free (param i32)))
  (global (export "__heap_base") i32 (i32.const 65536))

  (func $fat (param $step i32) (param $number i32) (param $base i32) (result i64)
    (i64.add
      (i64.load (i32.add (local.get $step) (i32.mul (local.get $number) (i32.const 8))))
      (i64.extend_i32_u (local.get $base))))

  (func $fnv (param $bytes i64) (result i64)
    (local $at i32) (local $end i32) (local $sum i64)
    (local.set $at (i32.wrap_i64 (local.get $bytes)))
    (local.set $end (i32.add (local.get $at) (i32.wrap_i64 (i64.shr_u (local.get $bytes) (i64.const 32)))))
    (local.set $sum (i64.const 0xcbf29ce484222325))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $sum (i64.mul (i64.const 0x100000001b3)
          (i64.xor (local.get $sum) (i64.load8_u (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (call $free (i32.wrap_i64 (local.get $bytes)))
    (local.get $sum))

  (func $perform (param $step i32) (param $base i32) (result i64)
    (local $first i64) (local $second i64)
    (local.set $first (call $fat (local.get $step) (i32.const 1) (local.get $base)))
    (local.set $second (call $fat (local.get $step) (i32.const 2) (local.get $base)))
    (block $rollback (block $commit (block $start (block $prefix (block $append (block $clear (block $set (block $get
      (br_table $get $set $clear $append $prefix $start $commit $rollback (i32.load (local.get $step))))
      (return (call $fnv (call $get (local.get $first)))))
      (call $set (local.get $first) (local.get $second)) (return (i64.const 0)))
      (call $clear (local.get $first)) (return (i64.const 0)))
      (call $append (local.get $first) (local.get $second)) (return (i64.const 0)))
      (call $clear_prefix (local.get $first)) (return (i64.const 0)))
      (call $start) (return (i64.const 0)))
      (call $commit) (return (i64.const 0)))
    (call $rollback)
    (i64.const 0))

  (func (export "drive") (param $base i32) (param $length i32) (result i64)
    (local $left i32) (local $step i32)
    (local.set $left (i32.wrap_i64 (i64.load (local.get $base))))
    (local.set $step (i32.add (local.get $base) (i32.const 8)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $left)))
        (i64.store (local.get $step) (call $perform (local.get $step) (local.get $base)))
        (local.set $step (i32.add (local.get $step) (i32.const 24)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $length)) (i64.const 32))
      (i64.extend_i32_u (local.get $base)))))
