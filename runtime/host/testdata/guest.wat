;; A guest with one entry point that asks and one that fails in the way that its memory says.
(module
  (import "env" "memory" (memory 1 2))
  (import "test" "ask" (func $ask (param i32 i64) (result i64)))
  (import "test" "many" (func $many (param i32 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i64) (result i32)))
  (data (i32.const 100) "guest")
  (table 2 funcref)
  (elem (i32.const 0) $wide)
  (type $narrow (func))
  (func $wide (param i64))

  ;; Asks once, adds one to the answer, stores it at 8, then calls the widest import and stores its answer at 16.
  (func (export "call")
    (i64.store (i32.const 8) (i64.add (i64.const 1)
      (call $ask (i32.const -7) (i64.const 0x1122334455667788))))
    (i32.store (i32.const 16) (call $many
      (i32.const 1) (i64.const 2) (i32.const 3) (i64.const 4) (i32.const 5) (i64.const 6) (i32.const 7) (i64.const 8)
      (i32.const 9) (i64.const 10) (i32.const 11) (i64.const 12) (i32.const 13) (i64.const 14))))

  (func $recurse (call $recurse))

  ;; Asks what to do, so that the blob can choose, and does it.
  (func (export "deploy")
    (local $what i64)
    (local.set $what (call $ask (i32.const 0) (i64.const 0)))
    (if (i64.eq (local.get $what) (i64.const 1)) (then (unreachable)))
    (if (i64.eq (local.get $what) (i64.const 2)) (then (drop (i32.load (i32.const 131072)))))
    (if (i64.eq (local.get $what) (i64.const 3)) (then (call_indirect (type $narrow) (i32.const 1))))
    (if (i64.eq (local.get $what) (i64.const 4)) (then (call_indirect (type $narrow) (i32.const 0))))
    (if (i64.eq (local.get $what) (i64.const 5)) (then (drop (i64.div_u (i64.const 1) (i64.sub (local.get $what) (i64.const 5))))))
    (if (i64.eq (local.get $what) (i64.const 6)) (then (drop (i64.div_s (i64.const -0x8000000000000000) (i64.sub (local.get $what) (i64.const 7))))))
    (if (i64.eq (local.get $what) (i64.const 7)) (then (call $recurse)))
    (if (i64.eq (local.get $what) (i64.const 8)) (then (loop $forever (br $forever))))
    (if (i64.eq (local.get $what) (i64.const 9)) (then (drop (memory.grow (i32.const 1)))))))
