;; A blob that runs a script of guest VM calls in one blob call, so that a test can drive the interface from outside.
;;
;; The input is a count (u64) and then that many steps of five u64: the operation and its arguments. Pointers are relative to
;; the input. The result of a step replaces its operation, and the whole input, with what the host wrote into it, is the
;; output. Bit 32 and up of a fat pointer are its length.
(module
  (import "env" "memory" (memory 2))
  (import "env" "ext_guest_vm_validate_version_1" (func $validate (param i64 i32) (result i32)))
  (import "env" "ext_guest_vm_load_version_1" (func $load (param i64 i32) (result i64)))
  (import "env" "ext_guest_vm_instantiate_version_1" (func $instantiate (param i32 i32) (result i64)))
  (import "env" "ext_guest_vm_run_version_1" (func $run (param i32 i64 i64 i32) (result i32)))
  (import "env" "ext_guest_vm_read_version_1" (func $read (param i32 i32 i64) (result i32)))
  (import "env" "ext_guest_vm_write_version_1" (func $write (param i32 i32 i64) (result i32)))
  (import "env" "ext_guest_vm_drop_version_1" (func $drop (param i32)))
  (import "env" "ext_guest_vm_explain_version_1" (func $explain (param i32 i64) (result i32)))
  (import "env" "ext_storage_set_version_1" (func $set (param i64 i64)))
  (import "env" "ext_hashing_blake2_256_version_1" (func $hash (param i64) (result i32)))
  (global (export "__heap_base") i32 (i32.const 65536))

  (func $argument (param $step i32) (param $number i32) (result i64)
    (i64.load (i32.add (local.get $step) (i32.mul (local.get $number) (i32.const 8)))))

  (func $word (param $step i32) (param $number i32) (result i32)
    (i32.wrap_i64 (call $argument (local.get $step) (local.get $number))))

  (func $pointer (param $step i32) (param $number i32) (param $base i32) (result i32)
    (i32.add (call $word (local.get $step) (local.get $number)) (local.get $base)))

  (func $fat (param $step i32) (param $number i32) (param $base i32) (result i64)
    (i64.add (call $argument (local.get $step) (local.get $number)) (i64.extend_i32_u (local.get $base))))

  (func $perform (param $step i32) (param $base i32) (result i64)
    (local $operation i32)
    (local.set $operation (call $word (local.get $step) (i32.const 0)))
    (if (i32.eq (local.get $operation) (i32.const 0)) (then (return (i64.extend_i32_s (call $validate
      (call $fat (local.get $step) (i32.const 1) (local.get $base))
      (call $pointer (local.get $step) (i32.const 2) (local.get $base)))))))
    (if (i32.eq (local.get $operation) (i32.const 1)) (then (return (call $load
      (call $fat (local.get $step) (i32.const 1) (local.get $base))
      (call $pointer (local.get $step) (i32.const 2) (local.get $base))))))
    (if (i32.eq (local.get $operation) (i32.const 2)) (then (return (call $instantiate
      (call $word (local.get $step) (i32.const 1)) (call $word (local.get $step) (i32.const 2))))))
    (if (i32.eq (local.get $operation) (i32.const 3)) (then (return (i64.extend_i32_s (call $run
      (call $word (local.get $step) (i32.const 1))
      (call $argument (local.get $step) (i32.const 2))
      (call $argument (local.get $step) (i32.const 3))
      (call $pointer (local.get $step) (i32.const 4) (local.get $base)))))))
    (if (i32.eq (local.get $operation) (i32.const 4)) (then (return (i64.extend_i32_s (call $read
      (call $word (local.get $step) (i32.const 1)) (call $word (local.get $step) (i32.const 2))
      (call $fat (local.get $step) (i32.const 3) (local.get $base)))))))
    (if (i32.eq (local.get $operation) (i32.const 5)) (then (return (i64.extend_i32_s (call $write
      (call $word (local.get $step) (i32.const 1)) (call $word (local.get $step) (i32.const 2))
      (call $fat (local.get $step) (i32.const 3) (local.get $base)))))))
    (if (i32.eq (local.get $operation) (i32.const 6)) (then
      (call $drop (call $word (local.get $step) (i32.const 1))) (return (i64.const 0))))
    (if (i32.eq (local.get $operation) (i32.const 7)) (then (return (i64.extend_i32_u (call $explain
      (call $word (local.get $step) (i32.const 1))
      (call $fat (local.get $step) (i32.const 2) (local.get $base)))))))
    (if (i32.eq (local.get $operation) (i32.const 8)) (then
      (call $set
        (call $fat (local.get $step) (i32.const 1) (local.get $base))
        (call $fat (local.get $step) (i32.const 2) (local.get $base)))
      (return (i64.const 0))))
    (if (i32.eq (local.get $operation) (i32.const 9)) (then (return (i64.load (call $hash
      (call $fat (local.get $step) (i32.const 1) (local.get $base)))))))
    (unreachable))

  (func (export "drive") (param $base i32) (param $length i32) (result i64)
    (local $left i32) (local $step i32)
    (local.set $left (i32.wrap_i64 (i64.load (local.get $base))))
    (local.set $step (i32.add (local.get $base) (i32.const 8)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $left)))
        (i64.store (local.get $step) (call $perform (local.get $step) (local.get $base)))
        (local.set $step (i32.add (local.get $step) (i32.const 40)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $length)) (i64.const 32))
      (i64.extend_i32_u (local.get $base)))))
